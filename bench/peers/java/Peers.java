import java.util.concurrent.CyclicBarrier;

/**
 * Peers PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK
 *
 * One run of a contestant of ckf-bench-peers: warms up, does the work, prints one line of names and
 * numbers. bench/harness/program.c has the other end of it.
 */
public final class Peers {
    /** What the harness asks for. */
    static final class Task {
        final String peer;
        final String script;
        final int[] copies;
        final long parameter;
        final int shape;
        final long work;

        Task(String[] arguments) {
            peer = arguments[0];
            script = arguments[1];
            copies = new int[] {Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3])};
            parameter = Long.parseUnsignedLong(arguments[4]);
            shape = Integer.parseInt(arguments[5]);
            work = Long.parseLong(arguments[6]);
        }

        /** What the thread does of so much work. */
        long share(long work, int actor, int self) {
            return work / copies[actor] + (self < work % copies[actor] ? 1 : 0);
        }
    }

    /** A part of the work, from the common start on. */
    interface Body {
        void run() throws InterruptedException;
    }

    private static long firstStart;
    private static long lastEnd;
    private static Throwable failure;

    /** Runs them together; the time from the first start to the last end. */
    static long together(Body... bodies) throws InterruptedException {
        var startLine = new CyclicBarrier(bodies.length);
        var threads = new Thread[bodies.length];
        firstStart = Long.MAX_VALUE;
        lastEnd = Long.MIN_VALUE;
        for (int i = 0; i < bodies.length; i++) {
            Body body = bodies[i];
            threads[i] = new Thread(() -> {
                try {
                    startLine.await();
                    long start = System.nanoTime();
                    body.run();
                    long end = System.nanoTime();
                    synchronized (Peers.class) {
                        firstStart = Math.min(firstStart, start);
                        lastEnd = Math.max(lastEnd, end);
                    }
                } catch (Exception | AssertionError e) {
                    synchronized (Peers.class) {
                        failure = e;
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads)
            thread.join();
        if (failure != null)
            fail(failure.toString());
        return lastEnd - firstStart;
    }

    private static final int WARM_UPS = 40;
    private static final long WARM_UP_NS = 500000000;

    /** Many short runs, so that loops compiled while they ran are entered anew. */
    static void warmUp(Body body) throws InterruptedException {
        long end = System.nanoTime() + WARM_UP_NS;
        for (int i = 0; i < WARM_UPS && System.nanoTime() < end; i++)
            body.run();
    }

    static void fail(String what) {
        System.err.println("peers-java: " + what);
        System.exit(2);
    }

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 7)
            fail("usage: Peers PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK");
        // Nobody waits for a run that hangs.
        var guard = new Thread(() -> {
            try {
                Thread.sleep(50000);
            } catch (InterruptedException e) {
                return;
            }
            Runtime.getRuntime().halt(3);
        });
        guard.setDaemon(true);
        guard.start();
        var task = new Task(arguments);
        switch (task.peer) {
            case "java-array", "java-transfer", "java-synchronous" -> Queues.run(task);
            case "java-longadder" -> Counters.run(task);
            default -> fail("no peer " + task.peer);
        }
    }
}
