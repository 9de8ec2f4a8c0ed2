import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Blocking queues of boxed longs. None can be closed: a mark travels, and whoever finds it hands it on.
 */
final class Queues {
    private static final int SENDER_SHIFT = 48;
    private static final int MAX_SENDERS = 16;
    private static final Long MARK = -1L;
    private static final long WARM_UP_WORK = 20000;

    private static final class Tally {
        long count;
        long sum;
        long squares;
        long disorder;
        final long[] next = new long[MAX_SENDERS];

        void add(long value) {
            count++;
            sum += value;
            squares += value * value;
        }

        void addInOrder(long value) {
            int sender = (int) (value >>> SENDER_SHIFT) & (MAX_SENDERS - 1);
            if (value < next[sender])
                disorder++;
            next[sender] = value + 1;
            add(value);
        }

        void merge(Tally other) {
            count += other.count;
            sum += other.sum;
            squares += other.squares;
            disorder += other.disorder;
        }
    }

    private static BlockingQueue<Long> make(Peers.Task task) {
        return switch (task.peer) {
            case "java-array" -> new ArrayBlockingQueue<>((int) task.parameter);
            case "java-transfer" -> new LinkedTransferQueue<>();
            default -> new SynchronousQueue<>();
        };
    }

    private static long flow(Peers.Task task, long work, Tally total) throws InterruptedException {
        BlockingQueue<Long> queue = make(task);
        int producers = task.copies[0];
        int consumers = task.copies[1];
        var producersLeft = new AtomicInteger(producers);
        var consumersLeft = new AtomicInteger(consumers);
        var bodies = new Peers.Body[producers + consumers];
        for (int i = 0; i < producers; i++) {
            long first = (long) i << SENDER_SHIFT;
            long end = first + task.share(work, 0, i);
            bodies[i] = () -> {
                for (long value = first; value < end; value++)
                    queue.put(value);
                if (producersLeft.decrementAndGet() == 0)
                    queue.put(MARK);
            };
        }
        for (int i = 0; i < consumers; i++) {
            bodies[producers + i] = () -> {
                var tally = new Tally();
                for (long value; (value = queue.take()) != MARK; )
                    tally.addInOrder(value);
                if (consumersLeft.decrementAndGet() > 0)
                    queue.put(MARK);
                synchronized (total) {
                    total.merge(tally);
                }
            };
        }
        return Peers.together(bodies);
    }

    private static long pairs(Peers.Task task, long work, Tally total) throws InterruptedException {
        BlockingQueue<Long> queue = make(task);
        return Peers.together(() -> {
            for (long value = 0; value < work; value++) {
                queue.put(value);
                total.add(queue.take());
            }
        });
    }

    private static long ping(Peers.Task task, long work, Tally total) throws InterruptedException {
        BlockingQueue<Long> there = make(task);
        BlockingQueue<Long> back = make(task);
        return Peers.together(
            () -> {
                for (long value = 0; value < work; value++) {
                    there.put(value);
                    total.add(back.take());
                }
                there.put(MARK);
            },
            () -> {
                for (long value; (value = there.take()) != MARK; )
                    back.put(value);
            });
    }

    private static long once(Peers.Task task, long work, Tally total) throws InterruptedException {
        switch (task.script) {
            case "flow":
                return flow(task, work, total);
            case "pairs":
                return pairs(task, work, total);
            case "ping":
                return ping(task, work, total);
            default:
                Peers.fail("no script " + task.script);
                return 0;
        }
    }

    static void run(Peers.Task task) throws InterruptedException {
        Peers.warmUp(() -> once(task, Math.min(task.work, WARM_UP_WORK), new Tally()));
        var total = new Tally();
        long ns = once(task, task.work, total);
        System.out.printf("ns %d count %d sum %s squares %s disorder %d%n", ns, total.count,
            Long.toUnsignedString(total.sum), Long.toUnsignedString(total.squares), total.disorder);
    }
}
