// Goroutine storms: what Go's scheduler does when thousands of goroutines share a few processors
// (src/runtime/proc.go): channels, select, locks, goroutines with a thread of their own, the collector and
// changes of GOMAXPROCS meanwhile, and loops that make no call and can only be stopped by a signal.
//
// Hard on an emulated kernel, because all of it is futexes and signals among threads. Threads without work
// sleep in futex(2) or in epoll_pwait(2), and who makes work wakes one; a wake-up that is lost hangs the
// program or leaves it on one thread. The collector stops all others wherever they are. Asynchronous preemption
// (preempt.go, signal_unix.go: preemptM) is a tgkill(SIGURG) that may come at any instruction: its handler
// changes pc, sp and ra in the frame, and every register has to survive. And a goroutine that ends without
// unlocking its thread ends the thread, whose stack somebody else may free only after it has gone.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
)

// A chain of goroutines: each hands on what it gets, plus one.
func chain() {
	const links, rounds = 2000, 4
	first := make(chan int)
	last := first
	for i := 0; i < links; i++ {
		next := make(chan int)
		go func(from <-chan int, to chan<- int) {
			for number := range from {
				to <- number + 1
			}
			close(to)
		}(last, next)
		last = next
	}
	go func() {
		for i := 0; i < rounds; i++ {
			first <- i
		}
		close(first)
	}()
	sum := 0
	for number := range last {
		sum += number
	}
	fmt.Println("chain:", sum)
}

// Four channels, from unbuffered to three places, each with many senders; receivers wait for any of them until
// all are closed.
func selects() {
	const senders, each, receivers = 100, 15, 100
	var channels [4]chan int
	for i := range channels {
		channels[i] = make(chan int, i)
		go func(to chan int) {
			inParallel(senders, func(sender int) {
				for n := 0; n < each; n++ {
					select {
					case to <- sender + n:
					default:
						runtime.Gosched()
						to <- sender + n
					}
				}
			})
			close(to)
		}(channels[i])
	}
	var sum, count atomic.Int64
	inParallel(receivers, func(int) {
		open := channels
		receive := func(i, number int, ok bool) {
			if !ok {
				open[i] = nil
				return
			}
			sum.Add(int64(number))
			count.Add(1)
		}
		for open != [4]chan int{} {
			select {
			case number, ok := <-open[0]:
				receive(0, number, ok)
			case number, ok := <-open[1]:
				receive(1, number, ok)
			case number, ok := <-open[2]:
				receive(2, number, ok)
			case number, ok := <-open[3]:
				receive(3, number, ok)
			}
		}
	})
	fmt.Println("selects:", count.Load(), "numbers, sum", sum.Load())
}

// Writers of two counters and readers that must find them alike; a barrier, where everybody waits for the last.
func locks() {
	const members, phases = 300, 12
	var guard sync.RWMutex
	left, right := 0, 0
	var mutex sync.Mutex
	turn := sync.NewCond(&mutex)
	arrived, phase := 0, 0
	inParallel(members, func(i int) {
		for p := 0; p < phases; p++ {
			if (i+p)%4 == 0 {
				guard.Lock()
				left++
				runtime.Gosched()
				right++
				guard.Unlock()
			} else {
				guard.RLock()
				must(left == right, "a reader among writers: %d, %d", left, right)
				guard.RUnlock()
			}
			mutex.Lock()
			must(phase == p, "phase %d while one is in %d", phase, p)
			if arrived++; arrived == members {
				arrived, phase = 0, phase+1
				turn.Broadcast()
			}
			for phase == p {
				turn.Wait()
			}
			mutex.Unlock()
		}
	})
	fmt.Println("locks:", left, right, "phases:", phase)
}

// Goroutines with a thread of their own. Every other one ends without giving it back, and the thread ends, too.
func threads() {
	const rounds, count = 4, 30
	for round := 0; round < rounds; round++ {
		tids, gate := make(chan int, count), make(chan bool)
		var group sync.WaitGroup
		group.Add(count)
		for i := 0; i < count; i++ {
			go func(i int) {
				defer group.Done()
				runtime.LockOSThread()
				if i%2 == 0 {
					defer runtime.UnlockOSThread()
				}
				tid := syscall.Gettid()
				tids <- tid
				<-gate
				for k := 0; k < 5; k++ {
					runtime.Gosched()
					must(syscall.Gettid() == tid, "a locked goroutine changed its thread")
				}
			}(i)
		}
		different := map[int]bool{}
		for i := 0; i < count; i++ {
			different[<-tids] = true
		}
		close(gate)
		group.Wait()
		must(len(different) == count, "%d goroutines have %d threads", count, len(different))
	}
	fmt.Println("threads:", rounds, "times", count)
}

type node struct {
	next  *node
	value int
}

// Lists grow and are checked, while the collector runs all the time and the number of processors changes.
func collector() {
	const builders, length, lists = 40, 100, 3
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	var sum atomic.Int64
	inParallel(builders+1, func(i int) {
		if i == builders {
			for round := 0; round < 8; round++ {
				runtime.GC()
				runtime.GOMAXPROCS(round%5 + 1)
			}
			return
		}
		for list := 0; list < lists; list++ {
			var head *node
			for k := 0; k < length; k++ {
				head = &node{head, k ^ i}
				if k%25 == 0 {
					runtime.Gosched()
				}
			}
			for k := length - 1; head != nil; head, k = head.next, k-1 {
				must(head.value == k^i, "a list has %d, not %d", head.value, k^i)
				sum.Add(int64(head.value))
			}
		}
	})
	fmt.Println("collector:", sum.Load())
}

// As many endless loops as processors and more: only signals get anybody else to run, and the collector to stop
// the world.
func preemption(processors int) {
	const loops = 3
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	var started, left atomic.Int64
	var stop atomic.Bool
	inParallel(loops+1, func(i int) {
		if i < loops {
			started.Add(1)
			for !stop.Load() {
			}
			left.Add(1)
			return
		}
		for started.Load() < loops {
			runtime.Gosched()
		}
		if processors > 1 {
			// With one, the collector's own goroutines wait for a turn among the loops, some hundred times.
			runtime.GC()
		}
		must(left.Load() == 0, "a loop ended by itself")
		stop.Store(true)
	})
	fmt.Println("preemption with", processors, "processors:", left.Load(), "loops have ended")
}

func main() {
	chain()
	selects()
	locks()
	threads()
	collector()
	preemption(1)
	preemption(3)
}
