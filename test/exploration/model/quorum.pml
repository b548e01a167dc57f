/*
 * The quorum's protocol for one name: how a lock and its fencing token come to be agreed on by N independent nodes.
 * Every attempt is a ballot with an owner of its own, which is never used again. run.mjs says what is checked; README.md
 * says what stands for what.
 *
 * Messages may be late, overtake each other, or never arrive: whatever could happen may also just not happen.
 *
 *   N, Q       nodes, and how many of them are a majority
 *   BALLOTS    attempts
 *   BLOCK      tokens that each attempt takes
 *   CLOCKS     a clock shows 0 to CLOCKS: any of these, at any time
 *   FORGETS    how often a node may lose all it knows
 *   RESENDS    how often a request that was carried out may come once more
 *   LEASE      with it, time passes in ticks and a lease has this many; without, a lease may end at any moment
 *   RENEWALS   with LEASE: how often holders may renew their lease
 */
#ifndef FORGETS
#define FORGETS 0
#endif
#ifndef RENEWALS
#define RENEWALS 0
#endif
#ifndef RESENDS
#define RESENDS 0
#endif
#ifdef LEASE
/* Every node's clock runs a tick fast over one lease, which is the worst for the holder; a holder allows for that. */
#define VALID (LEASE - 1)
/* A node that has started anew has no vote until every lease it may have forgotten is over. */
#define GUARD LEASE
#endif

#define FREE 0
#define OWNER(b) (b + 1)
#define BIT(n) (1 << n)
#define HAS(set, n) ((set >> n) & 1)

mtype = { idle, asking, confirming, inside, over };

#ifdef NO_OWNERSHIP
#define MAY_CONFIRM(b, n) true
#elif defined(ANY_COUNTER)
#define MAY_CONFIRM(b, n) (holder[n] == OWNER(b))
#else
/* A larger one is from a grant that came after the token was chosen. */
#define MAY_CONFIRM(b, n) (holder[n] == OWNER(b) && counter[n] <= token[b])
#endif
#ifdef NO_COMPARE
#define MAY_RELEASE(b, n) true
#else
#define MAY_RELEASE(b, n) (holder[n] == OWNER(b))
#endif

/* The nodes. */
byte holder[N];
byte counter[N];      /* the largest token it has stored */
byte clockAtLeast[N]; /* what its clock has passed for sure */
bool deaf[N];         /* started anew and under the guard: asked for nothing */
byte forgotten;
byte resent;

/* The ballots. */
mtype phase[BALLOTS] = idle;
byte asked[BALLOTS];     /* the nodes to which a request is on its way */
byte granted[BALLOTS];   /* the nodes whose grant has come */
byte last[BALLOTS * N];  /* what they granted: the last token of the block */
byte confirmed[BALLOTS];
byte token[BALLOTS];     /* the last of the block; 0 while it has none */

/* What only the observer knows. */
byte before[BALLOTS];    /* the largest token that was in use when the ballot began */
byte largest;            /* the largest token that was ever in use */

#ifdef LEASE
byte left[N];            /* ticks of its lease, as the node counts them */
byte guard[N];
byte age[BALLOTS];       /* ticks since the requests were sent that the lease is counted from */
byte renewAge[BALLOTS];
byte renewAsked[BALLOTS];
byte renewed[BALLOTS];
bool renewing[BALLOTS];
byte renewals;
#define IN_TIME(b) (age[b] < VALID)
#else
#define IN_TIME(b) true
#endif

/* Scratch; 0 between the steps, and no part of the state. */
hidden byte b, n, x, i, most, count, same;

inline anyNode() { n = 0; do :: n < N - 1 -> n++ :: break od }
inline anyBallot() { b = 0; do :: b < BALLOTS - 1 -> b++ :: break od }
inline anyClock() { x = 0; do :: x < CLOCKS -> x++ :: break od }
inline size(set) { count = 0; for (i : 0 .. N - 1) { count = count + HAS(set, i) } i = 0 }
inline settle() { b = 0; n = 0; x = 0; i = 0; most = 0; count = 0; same = false }

/* Ballots begin in the order of their numbers: they are alike. */
inline begin() {
  anyBallot();
  if
  :: phase[b] == idle && (b == 0 || phase[(b == 0 -> 0 : b - 1)] != idle) ->
    printf("ballot %d begins\n", b);
    before[b] = largest;
    phase[b] = asking;
    asked[b] = (1 << N) - 1
  :: else
  fi
}

inline startLease() {
#ifdef LEASE
  left[n] = LEASE - 1
#else
  skip
#endif
}

/* A node answers a request. It takes the client's proposal if it finds it plausible, and else its own clock: any number. */
inline grant() {
  anyBallot(); anyNode();
  if
  :: HAS(asked[b], n) && !deaf[n] ->
    if
    :: asked[b] = asked[b] & ~BIT(n)
    :: resent < RESENDS -> resent++ /* and it will come once more */
    fi;
    if
    :: holder[n] == FREE ->
      anyClock();
      if :: x <= clockAtLeast[n] -> x = clockAtLeast[n] + 1 :: else fi;
      if :: x <= counter[n] -> x = counter[n] + 1 :: else fi;
      counter[n] = x + BLOCK - 1;
      holder[n] = OWNER(b);
      startLease();
      if
      :: phase[b] == asking && !HAS(granted[b], n) -> granted[b] = granted[b] | BIT(n); last[b * N + n] = counter[n]
      :: else /* nobody waits for the answer any more */
      fi;
      printf("node %d grants ballot %d the token %d\n", n, b, counter[n])
    :: else
    fi
  :: else
  fi
}

/* The client has grants of a majority, uses some of them, and is done if they all say the same. */
inline decide() {
  anyBallot();
  if
  :: phase[b] == asking && IN_TIME(b) ->
    x = 1; do :: x < (1 << N) - 1 -> x++ :: break od;
    size(x);
    if
    :: count >= Q && (x & granted[b]) == x ->
      same = true;
      for (i : 0 .. N - 1) {
        if
        :: HAS(x, i) && last[b * N + i] > most -> same = (most == 0 -> same : false); most = last[b * N + i]
        :: HAS(x, i) && last[b * N + i] < most -> same = false
        :: else
        fi
      }
      token[b] = most;
      granted[b] = 0;
      for (i : 0 .. N - 1) { last[b * N + i] = 0 }
#ifdef ONE_PHASE
      same = true;
#endif
      if
      :: same -> enter()
      :: else -> phase[b] = confirming; printf("ballot %d wants to confirm %d\n", b, token[b])
      fi
    :: else
    fi
  :: else
  fi
}

/* A node writes the token back, where the ballot still holds the lock. */
inline confirm() {
  anyBallot(); anyNode();
  if
  :: phase[b] == confirming && !HAS(confirmed[b], n) && !deaf[n] && MAY_CONFIRM(b, n) ->
    if :: counter[n] < token[b] -> counter[n] = token[b] :: else fi;
    confirmed[b] = confirmed[b] | BIT(n);
    printf("node %d confirms ballot %d's %d\n", n, b, token[b]);
    size(confirmed[b]);
    if :: count >= Q && IN_TIME(b) -> enter() :: else fi
  :: else
  fi
}

inline enter() {
  printf("ballot %d is inside, with the token %d\n", b, token[b]);
  /* Larger than all that were in use when it began … */
  assert(token[b] - BLOCK + 1 > before[b]);
  for (i : 0 .. BALLOTS - 1) {
    if
    :: i != b && (phase[i] == inside || phase[i] == over) && token[i] > 0 ->
      /* … and never one of somebody else's. */
      assert(token[i] < token[b] - BLOCK + 1 || token[b] < token[i] - BLOCK + 1);
#ifdef LEASE
      assert(phase[i] != inside || !IN_TIME(i))
#endif
    :: else
    fi
  }
  i = 0;
#ifdef LEASE
  /* While leases are kept, tokens grow in the order of entry. */
  assert(token[b] - BLOCK + 1 > largest);
#endif
  if
  :: FORGETS == 0 ->
    count = 0;
    for (i : 0 .. N - 1) { if :: counter[i] >= token[b] -> count++ :: else fi }
    /* The token is stored at a majority before the body runs. */
    assert(count >= Q)
  :: else
  fi;
  if :: token[b] > largest -> largest = token[b] :: else fi;
  phase[b] = inside;
  confirmed[b] = 0;
#ifdef FROM_REPLY
  age[b] = 0
#endif
}

/* A node starts anew and knows nothing. The connections to it are cut: what was on its way is lost. */
inline forget() {
  anyNode();
  if
  :: forgotten < FORGETS ->
    forgotten++;
    for (i : 0 .. N - 1) { if :: counter[i] > most -> most = counter[i] :: else fi }
#ifndef COUNTERS
    /* Its clock has passed every token there is by the time it may vote. Without the guard, not quite. */
#if defined(NO_GUARD) && !defined(LEASE)
    clockAtLeast[n] = (most > 0 -> most - 1 : 0);
#else
    clockAtLeast[n] = most;
#endif
#endif
    printf("node %d starts anew\n", n);
    holder[n] = FREE;
    counter[n] = 0;
    for (i : 0 .. BALLOTS - 1) { asked[i] = asked[i] & ~BIT(n) }
#ifdef LEASE
    left[n] = 0;
    for (i : 0 .. BALLOTS - 1) { renewAsked[i] = renewAsked[i] & ~BIT(n) }
#endif
#ifndef NO_GUARD
    deaf[n] = true;
#ifdef LEASE
    guard[n] = GUARD;
#endif
#endif
    skip
  :: else
  fi
}

/* The lock is set again where it is missing, while a majority has it. The message may be late. */
inline rejoin() {
  anyBallot(); anyNode();
  if
  :: phase[b] == inside && holder[n] == FREE && !deaf[n] ->
    holder[n] = OWNER(b);
    startLease();
    if :: counter[n] < token[b] -> counter[n] = token[b] :: else fi;
    printf("node %d has ballot %d's lock again\n", n, b)
  :: else
  fi
}

/* Left, given up, or too late: its locks are given back, one by one, or end by themselves. */
inline leave() {
  anyBallot();
  if
  :: phase[b] != idle && phase[b] != over ->
    printf("ballot %d leaves\n", b);
    phase[b] = over;
    confirmed[b] = 0
  :: else
  fi
}

inline release() {
  anyBallot(); anyNode();
  if
  :: phase[b] == over && holder[n] != FREE && MAY_RELEASE(b, n) && !deaf[n] ->
    printf("node %d is released by ballot %d\n", n, b);
    holder[n] = FREE;
#ifdef LEASE
    left[n] = 0
#endif
  :: else
  fi
}

#ifdef LEASE
inline tick() {
  printf("a tick\n");
  for (n : 0 .. N - 1) {
    if :: left[n] > 0 -> left[n]--; if :: left[n] == 0 -> holder[n] = FREE :: else fi :: else fi;
    if :: guard[n] > 0 -> guard[n]--; if :: guard[n] == 0 -> deaf[n] = false :: else fi :: else fi
  }
  for (b : 0 .. BALLOTS - 1) {
    if
    :: phase[b] != idle && phase[b] != over ->
      age[b]++;
      if :: renewing[b] -> renewAge[b]++ :: else fi;
      if :: !IN_TIME(b) -> phase[b] = over; renewing[b] = false; renewAge[b] = 0; confirmed[b] = 0 :: else fi
    :: else
    fi
  }
}

inline beginRenewal() {
  anyBallot();
  if
  :: phase[b] == inside && !renewing[b] && renewals < RENEWALS ->
    renewals++;
    renewing[b] = true;
    renewAge[b] = 0;
    renewed[b] = 0;
    renewAsked[b] = (1 << N) - 1;
    printf("ballot %d asks for more time\n", b)
  :: else
  fi
}

inline renew() {
  anyBallot(); anyNode();
  if
  :: HAS(renewAsked[b], n) && !deaf[n] ->
    renewAsked[b] = renewAsked[b] & ~BIT(n);
    if
    :: holder[n] == OWNER(b) ->
      startLease();
      printf("node %d gives ballot %d more time\n", n, b);
      renewed[b] = renewed[b] | BIT(n);
      size(renewed[b]);
      if
      :: renewing[b] && count >= Q ->
#ifdef FROM_REPLY
        age[b] = 0;
#else
        age[b] = renewAge[b];
#endif
        renewing[b] = false; renewAge[b] = 0
      :: else
      fi
    :: else
    fi
  :: else
  fi
}
#else
inline expire() {
  anyNode();
  if :: holder[n] != FREE -> printf("node %d's lease ends\n", n); holder[n] = FREE :: else fi
}

inline guardEnds() {
  anyNode();
  if :: deaf[n] -> deaf[n] = false; printf("node %d may vote again\n", n) :: else fi
}
#endif

active proctype system() {
  do
  :: atomic { begin(); settle() }
  :: atomic { grant(); settle() }
  :: atomic { decide(); settle() }
  :: atomic { confirm(); settle() }
  :: atomic { forget(); settle() }
#ifdef LEASE
  :: atomic { tick(); settle() }
#ifndef STAYS
  :: atomic { leave(); settle() }
  :: atomic { release(); settle() }
#endif
#if RENEWALS > 0
  :: atomic { beginRenewal(); settle() }
  :: atomic { renew(); settle() }
  :: atomic { rejoin(); settle() }
#endif
#else
  /* A lease that ends at any moment stands for a release, too. */
  :: atomic { expire(); settle() }
  :: atomic { guardEnds(); settle() }
#endif
  od
}
