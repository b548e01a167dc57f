package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RAtomicLong;
import org.redisson.api.RList;
import org.redisson.api.RLock;
import org.redisson.api.RPermitExpirableSemaphore;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/**
 * A Java service that shares locks by Redisson. It is told what to do by JSON lines on stdin, of the form
 * {"id": 1, "thread": "a", "do": "lock", "name": "catalog", …}, and answers each by a JSON line on stdout:
 * {"id": 1, "result": …} or {"id": 1, "error": "IllegalMonitorStateException", "message": …}.
 *
 * <p>A lock of Redisson belongs to a thread, so each name under "thread" is a thread of its own, which works off its
 * commands in turn. Durations are in ms. The process ends with its stdin.
 */
public final class RedissonPeer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RedissonClient redisson;
  private final Map<String, Worker> workers = new HashMap<>();

  private RedissonPeer(RedissonClient redisson) {
    this.redisson = redisson;
  }

  /**
   * Arguments: the URL of Redis, the length of a lease that the watchdog renews, "cluster" or "single", and how long a
   * waiter for a fair lock keeps its place.
   */
  public static void main(String[] args) throws IOException {
    Config config = new Config();
    config.setLockWatchdogTimeout(Long.parseLong(args[1])).setThreads(4).setNettyThreads(4);
    if (args.length > 3) config.setFairLockWaitTimeout(Long.parseLong(args[3]));
    if (args.length > 2 && args[2].equals("cluster")) {
      config.useClusterServers()
          .addNodeAddress(args[0])
          .setMasterConnectionMinimumIdleSize(2)
          .setMasterConnectionPoolSize(8)
          .setSlaveConnectionMinimumIdleSize(1)
          .setSubscriptionConnectionMinimumIdleSize(1);
    } else {
      config.useSingleServer()
          .setAddress(args[0])
          .setConnectionMinimumIdleSize(4)
          .setConnectionPoolSize(16)
          .setSubscriptionConnectionPoolSize(4);
    }
    RedissonPeer peer = new RedissonPeer(Redisson.create(config));
    say(JSON.createObjectNode().put("ready", Redisson.class.getPackage().getImplementationVersion()));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) peer.hear(JSON.readTree(line));
    // Nobody is left to answer: threads that hold or wait for a lock do not keep the process alive.
    Runtime.getRuntime().halt(0);
  }

  private static synchronized void say(ObjectNode message) {
    System.out.println(message);
  }

  private void hear(JsonNode command) {
    Worker worker = workers.computeIfAbsent(command.get("thread").asText(), Worker::new);
    // Of a thread that is busy with a command, so answered by this one.
    if (command.get("do").asText().equals("isAsleep")) answer(command, worker::isAsleep);
    else worker.commands.add(command);
  }

  private interface Work {
    Object run() throws Exception;
  }

  private static void answer(JsonNode command, Work work) {
    ObjectNode answer = JSON.createObjectNode();
    answer.set("id", command.get("id"));
    try {
      answer.set("result", JSON.valueToTree(work.run()));
    } catch (Exception error) {
      answer.put("error", error.getClass().getSimpleName()).put("message", String.valueOf(error.getMessage()));
    }
    say(answer);
  }

  private final class Worker {
    final BlockingQueue<JsonNode> commands = new LinkedBlockingQueue<>();
    private final Thread thread;

    Worker(String name) {
      thread = new Thread(this::work, name);
      thread.start();
    }

    /** Whether the thread has seen the lock taken, has subscribed, has seen it taken again, and now waits for a notice. */
    boolean isAsleep() {
      Thread.State state = thread.getState();
      return (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING)
          && Arrays.stream(thread.getStackTrace())
              .anyMatch(frame -> frame.getClassName().equals(Semaphore.class.getName()));
    }

    private void work() {
      try {
        for (;;) {
          JsonNode command = commands.take();
          answer(command, () -> carryOut(command));
        }
      } catch (InterruptedException error) {
        Thread.currentThread().interrupt();
      }
    }

    private Object carryOut(JsonNode command) throws Exception {
      String name = command.get("name").asText();
      RLock lock = lockOf(name, command.path("mode").asText());
      // Redisson's word for a lease that the watchdog renews.
      long lease = command.path("lease").asLong(-1);
      switch (command.get("do").asText()) {
        case "lock":
          lock.lock(lease, TimeUnit.MILLISECONDS);
          return null;
        case "tryLock":
          return command.has("wait")
              ? lock.tryLock(command.get("wait").asLong(), lease, TimeUnit.MILLISECONDS)
              : lock.tryLock();
        case "unlock":
          lock.unlock();
          return null;
        case "forceUnlock":
          return lock.forceUnlock();
        case "isLocked":
          return lock.isLocked();
        case "isHeldByMe":
          return lock.isHeldByCurrentThread();
        case "holds":
          return lock.getHoldCount();
        case "remaining":
          return lock.remainTimeToLive();
        case "owner":
          return redisson.getId() + ":" + thread.getId();
        case "lockAndGetToken":
          return redisson.getFencedLock(name).lockAndGetToken();
        case "token":
          return redisson.getFencedLock(name).getToken();
        case "sections":
          return sections(lock, command);
        case "gaugedSections":
          return gaugedSections(lock, command);
        case "trySetCount":
          return redisson.getCountDownLatch(name).trySetCount(command.get("count").asLong());
        case "countDown":
          redisson.getCountDownLatch(name).countDown();
          return null;
        case "count":
          return redisson.getCountDownLatch(name).getCount();
        case "awaitLatch":
          redisson.getCountDownLatch(name).await();
          return null;
        default:
          return withPermits(redisson.getPermitExpirableSemaphore(name), command, lease);
      }
    }

    private RLock lockOf(String name, String mode) {
      switch (mode) {
        case "read":
          return redisson.getReadWriteLock(name).readLock();
        case "write":
          return redisson.getReadWriteLock(name).writeLock();
        case "fair":
          return redisson.getFairLock(name);
        default:
          return redisson.getLock(name);
      }
    }

    private Object withPermits(RPermitExpirableSemaphore semaphore, JsonNode command, long lease) throws Exception {
      int take = command.path("take").asInt(1);
      switch (command.get("do").asText()) {
        case "trySetPermits":
          return semaphore.trySetPermits(take);
        case "acquirePermits":
          return lease == -1 ? semaphore.acquire(take) : semaphore.acquire(take, lease, TimeUnit.MILLISECONDS);
        case "tryAcquirePermits":
          return semaphore.tryAcquire(take, 0, lease, TimeUnit.MILLISECONDS);
        case "releasePermits":
          for (JsonNode id : command.get("ids")) semaphore.release(id.asText());
          return null;
        case "availablePermits":
          return semaphore.availablePermits();
        case "acquirePlain":
          redisson.getSemaphore(semaphore.getName()).acquire(take);
          return null;
        case "releasePlain":
          redisson.getSemaphore(semaphore.getName()).release(take);
          return null;
        case "permitSections":
          return permitSections(semaphore, take, command);
        default:
          throw new IllegalArgumentException("unknown command " + command);
      }
    }

    /** Enters and leaves the lock a number of times, and tells the gauge, a server on this port, how much it counts inside. */
    private Object gaugedSections(RLock lock, JsonNode command) throws Exception {
      int weight = command.get("weight").asInt();
      try (Socket gauge = new Socket("127.0.0.1", command.get("gauge").asInt())) {
        gauge.setTcpNoDelay(true);
        BufferedReader replies = new BufferedReader(new InputStreamReader(gauge.getInputStream()));
        for (int n = command.get("count").asInt(); n > 0; n--) {
          lock.lock();
          try {
            gauge.getOutputStream().write((weight + "\n").getBytes());
            replies.readLine();
            gauge.getOutputStream().write((-weight + "\n").getBytes());
            replies.readLine();
          } finally {
            lock.unlock();
          }
          // Without a pause it would take the lock again before anybody whom the unlock woke.
          Thread.sleep(1);
        }
        return null;
      }
    }

    /** Takes and returns permits a number of times, and tells the gauge, a server on this port, when it has them. */
    private Object permitSections(RPermitExpirableSemaphore semaphore, int take, JsonNode command) throws Exception {
      try (Socket gauge = new Socket("127.0.0.1", command.get("gauge").asInt())) {
        gauge.setTcpNoDelay(true);
        BufferedReader replies = new BufferedReader(new InputStreamReader(gauge.getInputStream()));
        for (int n = command.get("count").asInt(); n > 0; n--) {
          List<String> ids = semaphore.acquire(take, 30_000, TimeUnit.MILLISECONDS);
          gauge.getOutputStream().write((take + "\n").getBytes());
          replies.readLine();
          gauge.getOutputStream().write((-take + "\n").getBytes());
          replies.readLine();
          for (String id : ids) semaphore.release(id);
        }
        return null;
      }
    }

    /**
     * Enters and leaves the lock a number of times. Returns how often somebody else was inside, too, by the counter
     * "inside"; adds a line to the list "order" each time.
     */
    private int sections(RLock lock, JsonNode command) throws InterruptedException {
      RAtomicLong inside = redisson.getAtomicLong(command.get("inside").asText());
      RList<String> order = redisson.getList(command.get("order").asText(), StringCodec.INSTANCE);
      int overlaps = 0;
      for (int n = command.get("count").asInt(); n > 0; n--) {
        lock.lock();
        try {
          if (inside.incrementAndGet() != 1) overlaps++;
          order.add("java");
          Thread.sleep(1);
          if (inside.decrementAndGet() != 0) overlaps++;
        } finally {
          lock.unlock();
        }
        // Without a pause it would take the lock again before anybody whom the unlock woke.
        Thread.sleep(2);
      }
      return overlaps;
    }
  }
}
