// Channels: goroutines that send and receive; the last sender closes.
package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	senderShift = 48
	maxSenders  = 16
	warmUp      = 20000
	fan         = 8
)

type tally struct {
	count, sum, squares, disorder uint64
}

func (t *tally) add(value uint64) {
	t.count++
	t.sum += value
	t.squares += value * value
}

func (t *tally) addInOrder(next *[maxSenders]uint64, value uint64) {
	expected := &next[value>>senderShift&(maxSenders-1)]
	if value < *expected {
		t.disorder++
	}
	*expected = value + 1
	t.add(value)
}

func (t *tally) merge(other *tally) {
	t.count += other.count
	t.sum += other.sum
	t.squares += other.squares
	t.disorder += other.disorder
}

type wide [8]uint64

// span is the time from the first start to the last end.
type span struct {
	start, end time.Time
}

func (s *span) cover(start, end time.Time) {
	if s.start.IsZero() || start.Before(s.start) {
		s.start = start
	}
	if end.After(s.end) {
		s.end = end
	}
}

// crew starts goroutines together and gathers what they did.
type crew struct {
	lock     sync.Mutex
	begin    chan struct{}
	done     sync.WaitGroup
	span     span
	received tally
}

func (c *crew) add(work func(*tally)) {
	if c.begin == nil {
		c.begin = make(chan struct{})
	}
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		var received tally
		<-c.begin
		start := time.Now()
		work(&received)
		end := time.Now()
		c.lock.Lock()
		c.span.cover(start, end)
		c.received.merge(&received)
		c.lock.Unlock()
	}()
}

func (c *crew) run() (time.Duration, tally) {
	close(c.begin)
	c.done.Wait()
	return c.span.end.Sub(c.span.start), c.received
}

func shareOf(work uint64, copies, self int) uint64 {
	share := work / uint64(copies)
	if uint64(self) < work%uint64(copies) {
		share++
	}
	return share
}

func flow(t task, work uint64) (time.Duration, tally) {
	var c crew
	channel := make(chan uint64, t.parameter)
	left := int32(t.copies[0])
	for i := 0; i < t.copies[0]; i++ {
		first, share := uint64(i)<<senderShift, shareOf(work, t.copies[0], i)
		c.add(func(*tally) {
			for value := first; value < first+share; value++ {
				channel <- value
			}
			if atomic.AddInt32(&left, -1) == 0 {
				close(channel)
			}
		})
	}
	for i := 0; i < t.copies[1]; i++ {
		c.add(func(received *tally) {
			var next [maxSenders]uint64
			for value := range channel {
				received.addInOrder(&next, value)
			}
		})
	}
	return c.run()
}

func flowWide(t task, work uint64) (time.Duration, tally) {
	var c crew
	channel := make(chan wide, t.parameter)
	left := int32(t.copies[0])
	for i := 0; i < t.copies[0]; i++ {
		first, share := uint64(i)<<senderShift, shareOf(work, t.copies[0], i)
		c.add(func(*tally) {
			for value := first; value < first+share; value++ {
				channel <- wide{value, 0, 0, 0, 0, 0, 0, ^value}
			}
			if atomic.AddInt32(&left, -1) == 0 {
				close(channel)
			}
		})
	}
	for i := 0; i < t.copies[1]; i++ {
		c.add(func(received *tally) {
			var next [maxSenders]uint64
			for value := range channel {
				received.addInOrder(&next, value[0])
				if value[7] != ^value[0] {
					received.disorder++
				}
			}
		})
	}
	return c.run()
}

func pairs(t task, work uint64) (time.Duration, tally) {
	var c crew
	channel := make(chan uint64, t.parameter)
	c.add(func(received *tally) {
		for value := uint64(0); value < work; value++ {
			channel <- value
			received.add(<-channel)
		}
	})
	return c.run()
}

func ping(t task, work uint64) (time.Duration, tally) {
	var c crew
	there, back := make(chan uint64, t.parameter), make(chan uint64, t.parameter)
	c.add(func(received *tally) {
		for value := uint64(0); value < work; value++ {
			there <- value
			received.add(<-back)
		}
		close(there)
	})
	c.add(func(*tally) {
		for value := range there {
			back <- value
		}
	})
	return c.run()
}

func selectOfEight(t task, work uint64) (time.Duration, tally) {
	var c crew
	var channels [fan]chan uint64
	for i := range channels {
		channels[i] = make(chan uint64, t.parameter)
	}
	c.add(func(*tally) {
		for value := uint64(0); value < work; value++ {
			channels[value%fan] <- value
		}
	})
	c.add(func(received *tally) {
		for i := uint64(0); i < work; i++ {
			var value uint64
			select {
			case value = <-channels[0]:
			case value = <-channels[1]:
			case value = <-channels[2]:
			case value = <-channels[3]:
			case value = <-channels[4]:
			case value = <-channels[5]:
			case value = <-channels[6]:
			case value = <-channels[7]:
			}
			received.add(value)
		}
	})
	return c.run()
}

func runChannel(t task) {
	scripts := map[string]func(task, uint64) (time.Duration, tally){
		"flow": flow, "wide": flowWide, "pairs": pairs, "ping": ping, "select": selectOfEight}
	script := scripts[t.script]
	if script == nil {
		fmt.Fprintf(os.Stderr, "peers-go: no script %s\n", t.script)
		os.Exit(2)
	}
	warm := t.work
	if warm > warmUp {
		warm = warmUp
	}
	script(t, warm)
	took, received := script(t, t.work)
	fmt.Printf("ns %d count %d sum %d squares %d disorder %d\n", took.Nanoseconds(), received.count,
		received.sum, received.squares, received.disorder)
}
