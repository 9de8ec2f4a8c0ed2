// peers-go PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK
//
// One run of a contestant of ckf-bench-peers: warms up, does the work, prints one line of names and
// numbers. bench/harness/program.c has the other end of it.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// task is what the harness asks for.
type task struct {
	script    string
	copies    [2]int
	parameter uint64
	shape     int
	work      uint64
}

func number(at int) uint64 {
	value, err := strconv.ParseUint(os.Args[at], 10, 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "peers-go: argument %d is no number\n", at)
		os.Exit(2)
	}
	return value
}

func main() {
	if len(os.Args) != 8 {
		fmt.Fprintln(os.Stderr, "usage: peers-go PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK")
		os.Exit(2)
	}
	// Nobody waits for a run that hangs.
	time.AfterFunc(50*time.Second, func() { os.Exit(3) })
	t := task{script: os.Args[2], copies: [2]int{int(number(3)), int(number(4))},
		parameter: number(5), shape: int(number(6)), work: number(7)}
	switch os.Args[1] {
	case "go":
		runChannel(t)
	case "go-mutex":
		runCounter(t, func() counter { return &lockedMap{values: map[string]uint64{}} })
	case "go-sync.Map":
		runCounter(t, func() counter { return &syncMap{} })
	default:
		fmt.Fprintf(os.Stderr, "peers-go: no peer %s\n", os.Args[1])
		os.Exit(2)
	}
}
