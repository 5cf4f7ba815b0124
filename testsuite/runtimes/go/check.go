// What all programs here use.
package main

import (
	"fmt"
	"os"
	"sync"
)

// must ends the program, with a status of its own, unless what has to hold does.
func must(holds bool, what string, args ...any) {
	if !holds {
		fmt.Printf("FAILED: "+what+"\n", args...)
		os.Exit(1)
	}
}

// fine is must for an error that has to be nil.
func fine(err error, what string) {
	must(err == nil, "%s: %v", what, err)
}

// inParallel runs body(0) to body(count-1), each in a goroutine of its own, and returns when all of them have
// returned.
func inParallel(count int, body func(i int)) {
	var group sync.WaitGroup
	group.Add(count)
	for i := 0; i < count; i++ {
		go func(i int) {
			defer group.Done()
			body(i)
		}(i)
	}
	group.Wait()
}

// pattern gives size bytes in which a piece that is lost, doubled or out of place shows.
func pattern(seed, size int) []byte {
	bytes := make([]byte, size)
	for i := range bytes {
		bytes[i] = byte(i*7 + i/251 + seed)
	}
	return bytes
}
