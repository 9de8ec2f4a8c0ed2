// Maps of counters: a map behind a mutex, and a sync.Map of atomic numbers.
package main

import (
	"fmt"
	"math"
	"os"
	"sort"
	"sync"
	"sync/atomic"
)

const (
	shortOrder = 1 << 16
	longOrder  = 1 << 20
)

type counter interface {
	add(key string)
	sum() (keys int, sum uint64)
}

type lockedMap struct {
	lock   sync.Mutex
	values map[string]uint64
}

func (m *lockedMap) add(key string) {
	m.lock.Lock()
	m.values[key]++
	m.lock.Unlock()
}

func (m *lockedMap) sum() (keys int, sum uint64) {
	for _, value := range m.values {
		sum += value
	}
	return len(m.values), sum
}

type syncMap struct {
	values sync.Map
}

func (m *syncMap) add(key string) {
	value, found := m.values.Load(key)
	if !found {
		value, _ = m.values.LoadOrStore(key, new(uint64))
	}
	atomic.AddUint64(value.(*uint64), 1)
}

func (m *syncMap) sum() (keys int, sum uint64) {
	m.values.Range(func(_, value any) bool {
		keys++
		sum += *value.(*uint64)
		return true
	})
	return keys, sum
}

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// order is the same as ours: shape 2 is Zipf 0.99, 3 is Zipf 1.25, else uniform.
func order(keys, shape, thread int) []uint32 {
	length := shortOrder
	if keys > shortOrder {
		length = longOrder
	}
	seed, order := uint64(thread+1)<<32, make([]uint32, length)
	if shape < 2 {
		for i := range order {
			order[i] = uint32(mix(seed+uint64(i)) % uint64(keys))
		}
		return order
	}
	exponent := -0.99
	if shape == 3 {
		exponent = -1.25
	}
	cumulated, sum := make([]float64, keys), 0.0
	for i := range cumulated {
		sum += math.Pow(float64(i+1), exponent)
		cumulated[i] = sum
	}
	for i := range order {
		draw := float64(mix(seed+uint64(i))>>11) / (1 << 53) * sum
		at := sort.SearchFloat64s(cumulated, draw)
		if at == keys {
			at--
		}
		order[i] = uint32(at)
	}
	return order
}

func runCounter(t task, make func() counter) {
	if t.script != "count" {
		fmt.Fprintf(os.Stderr, "peers-go: no script %s\n", t.script)
		os.Exit(2)
	}
	var keys []string
	for i := uint64(0); i < t.parameter; i++ {
		keys = append(keys, fmt.Sprintf("%016x", i*0x9e3779b97f4a7c15))
	}
	var orders [][]uint32
	for i := 0; i < t.copies[0]; i++ {
		orders = append(orders, order(len(keys), t.shape, i))
	}
	m := make()
	for _, key := range keys {
		m.add(key)
	}
	var c crew
	for i := 0; i < t.copies[0]; i++ {
		own, share := orders[i], shareOf(t.work, t.copies[0], i)
		c.add(func(*tally) {
			for k := uint64(0); k < share; k++ {
				m.add(keys[own[k&uint64(len(own)-1)]])
			}
		})
	}
	took, _ := c.run()
	seen, sum := m.sum()
	fmt.Printf("ns %d count %d sum %d\n", took.Nanoseconds(), sum, seen)
}
