import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** A ConcurrentHashMap of LongAdders, keyed by bytes that are hashed at each add. */
final class Counters {
    private static final long WARM_UP_WORK = 100000;
    private static final int SHORT_ORDER = 1 << 16;
    private static final int LONG_ORDER = 1 << 20;

    /** Bytes of a message: no hash is kept from one look to the next. */
    private static final class Key {
        final byte[] bytes;

        Key(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(bytes, key.bytes);
        }
    }

    private static void add(ConcurrentHashMap<Key, LongAdder> map, byte[] bytes) {
        var key = new Key(bytes);
        LongAdder adder = map.get(key);
        if (adder == null)
            adder = map.computeIfAbsent(key, unused -> new LongAdder());
        adder.increment();
    }

    private static long mix(long x) {
        x ^= x >>> 30;
        x *= 0xbf58476d1ce4e5b9L;
        x ^= x >>> 27;
        x *= 0x94d049bb133111ebL;
        return x ^ (x >>> 31);
    }

    private static byte[] keyOf(long index) {
        return String.format("%016x", index * 0x9e3779b97f4a7c15L).getBytes();
    }

    /** The same orders as ours: shape 2 is Zipf 0.99, 3 is Zipf 1.25, else uniform. */
    private static int[] order(int keys, int shape, int thread) {
        var order = new int[keys > SHORT_ORDER ? LONG_ORDER : SHORT_ORDER];
        long seed = (long) (thread + 1) << 32;
        var cumulated = new double[shape >= 2 ? keys : 0];
        double sum = 0;
        for (int i = 0; i < cumulated.length; i++)
            cumulated[i] = sum += Math.pow(i + 1, shape == 2 ? -0.99 : -1.25);
        for (int i = 0; i < order.length; i++) {
            if (shape < 2) {
                order[i] = (int) Long.remainderUnsigned(mix(seed + i), keys);
                continue;
            }
            int at = Arrays.binarySearch(cumulated, (mix(seed + i) >>> 11) * 0x1p-53 * sum);
            order[i] = Math.min(at < 0 ? -at - 1 : at, keys - 1);
        }
        return order;
    }

    private static long count(Peers.Task task, long work, byte[][] keys, int[][] orders,
        ConcurrentHashMap<Key, LongAdder> map) throws InterruptedException {
        var bodies = new Peers.Body[task.copies[0]];
        for (int i = 0; i < bodies.length; i++) {
            int[] order = orders[i];
            long share = task.share(work, 0, i);
            bodies[i] = () -> {
                for (long k = 0; k < share; k++)
                    add(map, keys[order[(int) k & (order.length - 1)]]);
            };
        }
        return Peers.together(bodies);
    }

    private static byte[] newKey(int thread, long i) {
        long index = ((long) (thread + 1) << 40) + i;
        var bytes = new byte[16];
        long first = index * 0x9e3779b97f4a7c15L;
        for (int b = 0; b < 8; b++) {
            bytes[b] = (byte) (first >>> 8 * b);
            bytes[8 + b] = (byte) (index >>> 8 * b);
        }
        return bytes;
    }

    private static long makeNew(Peers.Task task, long work, ConcurrentHashMap<Key, LongAdder> map)
        throws InterruptedException {
        var bodies = new Peers.Body[task.copies[0]];
        for (int i = 0; i < bodies.length; i++) {
            int self = i;
            long share = task.share(work, 0, i);
            bodies[i] = () -> {
                for (long k = 0; k < share; k++)
                    add(map, newKey(self, k));
            };
        }
        return Peers.together(bodies);
    }

    private static void print(long ns, ConcurrentHashMap<Key, LongAdder> map) {
        long sum = 0;
        for (LongAdder adder : map.values())
            sum += adder.sum();
        System.out.printf("ns %d count %d sum %d%n", ns, sum, map.size());
    }

    static void run(Peers.Task task) throws InterruptedException {
        long warmUp = Math.min(task.work, WARM_UP_WORK);
        if (task.script.equals("new")) {
            Peers.warmUp(() -> makeNew(task, warmUp, new ConcurrentHashMap<>()));
            var map = new ConcurrentHashMap<Key, LongAdder>();
            print(makeNew(task, task.work, map), map);
            return;
        }
        if (!task.script.equals("count"))
            Peers.fail("no script " + task.script);
        int count = (int) task.parameter;
        var keys = new byte[count][];
        for (int i = 0; i < count; i++)
            keys[i] = keyOf(i);
        var orders = new int[task.copies[0]][];
        for (int i = 0; i < orders.length; i++)
            orders[i] = order(count, task.shape, i);
        Peers.warmUp(() -> count(task, warmUp, keys, orders, new ConcurrentHashMap<>()));
        var map = new ConcurrentHashMap<Key, LongAdder>(count);
        for (byte[] key : keys)
            add(map, key);
        print(count(task, task.work, keys, orders, map), map);
    }
}
