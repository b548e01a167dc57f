package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RPermitExpirableSemaphore;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/**
 * Rounds of the bench for Redisson's RPermitExpirableSemaphore: threads that take a permit, sleep and return it. Each line on
 * stdin is a round, as JSON {"name", "permits", "callers", "sectionMs", "startAt", "durationMs"}. The line on stdout that
 * answers it has the CPU time of this process in the round, and five numbers for each section: its caller, and when it asked,
 * entered, left and returned. Times are in ms, on the clock of `process.hrtime` (CLOCK_MONOTONIC). The process ends with its
 * stdin.
 */
public final class PermitRounds {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long LEASE_MS = 30_000;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private PermitRounds() {}

  /** Argument: the URL of Redis. Redisson has its default settings. */
  public static void main(String[] args) throws Exception {
    Config config = new Config();
    config.useSingleServer().setAddress(args[0]);
    RedissonClient redisson = Redisson.create(config);
    System.out.println("{\"ready\":true}");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(round(redisson, JSON.readTree(line)));
    }
    Runtime.getRuntime().halt(0);
  }

  private static ObjectNode round(RedissonClient redisson, JsonNode plan) throws InterruptedException, IOException {
    RPermitExpirableSemaphore semaphore = redisson.getPermitExpirableSemaphore(plan.get("name").asText());
    semaphore.trySetPermits(plan.get("permits").asInt());
    double startAt = plan.get("startAt").asDouble();
    double end = startAt + plan.get("durationMs").asDouble();
    List<Caller> callers = new ArrayList<>();
    for (int i = 0; i < plan.get("callers").asInt(); i++) {
      callers.add(new Caller(i, semaphore, plan.get("sectionMs").asLong(), startAt, end));
    }
    for (Caller caller : callers) caller.start();
    sleepUntil(startAt);
    long cpu = SYSTEM.getProcessCpuTime();
    sleepUntil(end);
    ObjectNode answer = JSON.createObjectNode();
    answer.put("cpuMs", (SYSTEM.getProcessCpuTime() - cpu) / 1e6);
    for (Caller caller : callers) caller.join();
    ArrayNode records = answer.putArray("records");
    for (Caller caller : callers) for (double value : caller.records) records.add(value);
    return answer;
  }

  private static double now() {
    return System.nanoTime() / 1e6;
  }

  private static void sleepUntil(double time) throws InterruptedException {
    double ms = time - now();
    if (ms > 0) Thread.sleep((long) ms, (int) ((ms % 1) * 1e6));
  }

  private static final class Caller extends Thread {
    final List<Double> records = new ArrayList<>();
    private final int index;
    private final RPermitExpirableSemaphore semaphore;
    private final long sectionMs;
    private final double startAt;
    private final double end;

    Caller(int index, RPermitExpirableSemaphore semaphore, long sectionMs, double startAt, double end) {
      this.index = index;
      this.semaphore = semaphore;
      this.sectionMs = sectionMs;
      this.startAt = startAt;
      this.end = end;
    }

    @Override
    public void run() {
      try {
        sleepUntil(startAt);
        for (double asked = now(); asked < end; asked = now()) {
          String permit = semaphore.acquire(LEASE_MS, TimeUnit.MILLISECONDS);
          double entered = now();
          // What is served after the window counts for nothing: the sooner it is over the better.
          if (entered < end) Thread.sleep(sectionMs);
          double left = now();
          semaphore.release(permit);
          records.addAll(List.of((double) index, asked, entered, left, now()));
        }
      } catch (InterruptedException error) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
