// Timers of Go: thousands in the processors' heaps, Stop and Reset that race with their end, tickers, contexts
// with deadlines (src/runtime/time.go, proc.go: findRunnable, checkTimers; src/context/context.go).
//
// Hard on an epoll emulation, because the nearest timer is the timeout of epoll_pwait(2): one thread sleeps
// there for all, with the time rounded up to milliseconds, and a timer that is earlier than what it sleeps for
// must get it out (netpollBreak: a byte in a pipe that epoll watches). A sleep that ends early makes a timer
// fire early or spins; one that is not broken makes it late or hangs. Clocks are read by the vDSO where there
// is one. That time is virtual must show nowhere.
package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const unit = 100 * time.Microsecond

// Thousands of timers whose times come in no order.
func fleet() {
	const count = 3000
	var fired, early atomic.Int64
	done := make(chan bool)
	for i := 0; i < count; i++ {
		delay := time.Duration(i*7919%count) * unit / 15
		due := time.Now().Add(delay)
		time.AfterFunc(delay, func() {
			if time.Now().Before(due) {
				early.Add(1)
			}
			if fired.Add(1) == count {
				close(done)
			}
		})
	}
	<-done
	fmt.Println("fleet:", fired.Load(), "fired,", early.Load(), "of them early")
}

// Stop comes at about the time when the timer ends. Either Stop says that it stopped it or the timer fires,
// once; never both.
func stops() {
	const count = 400
	fired := make([]chan bool, count)
	stopped := make([]bool, count)
	inParallel(count, func(i int) {
		fired[i] = make(chan bool, 2)
		timer := time.AfterFunc(time.Duration(i%20)*unit, func() { fired[i] <- true })
		time.Sleep(time.Duration(i*13%20) * unit)
		if stopped[i] = timer.Stop(); !stopped[i] {
			<-fired[i]
		}
		must(!timer.Stop(), "a timer was stopped twice, or after its end")
	})
	for i := range fired {
		must(len(fired[i]) == 0, "timer %d fired once more; stopped: %v", i, stopped[i])
	}
	fmt.Println("stops: each was stopped or fired")
}

// Reset comes at about that time, too: each start either fires or is taken back by the Reset or Stop that says
// so.
func resets() {
	const timers, restarts = 60, 15
	inParallel(timers, func(i int) {
		fired := make(chan bool, restarts+1)
		expected := 1
		timer := time.AfterFunc(3*unit, func() { fired <- true })
		for k := 0; k < restarts; k++ {
			time.Sleep(time.Duration((k*7+i)%5) * unit)
			if !timer.Reset(3 * unit) {
				expected++
			}
		}
		if timer.Stop() {
			expected--
		}
		for k := 0; k < expected; k++ {
			<-fired
		}
		must(len(fired) == 0, "a timer fired once too often")
	})
	// The way to use a timer with a channel again: a value that came before Stop is in the channel.
	inParallel(timers, func(i int) {
		timer := time.NewTimer(time.Duration(i%5) * unit)
		for k := 0; k < restarts; k++ {
			time.Sleep(time.Duration((k*3+i)%5) * unit)
			if !timer.Stop() {
				<-timer.C
			}
			delay := time.Duration(k%5) * unit
			due := time.Now().Add(delay)
			timer.Reset(delay)
			if k%2 == 0 {
				<-timer.C
				must(!time.Now().Before(due), "a timer that was reset is early")
				timer.Reset(time.Hour)
			}
		}
		timer.Stop()
	})
	fmt.Println("resets: each start fired or was taken back")
}

// Ticks may be left out, but none comes before its time.
func tickers() {
	const ticks = 20
	inParallel(10, func(i int) {
		period := time.Duration(i+1) * unit
		begin := time.Now()
		ticker := time.NewTicker(period)
		for tick := 1; tick <= ticks; tick++ {
			<-ticker.C
			must(time.Since(begin) >= time.Duration(tick)*period, "tick %d is early", tick)
		}
		ticker.Stop()
		// One that came before it was stopped may still be there.
		select {
		case <-ticker.C:
		default:
		}
		ticker.Reset(period)
		<-ticker.C
		ticker.Stop()
	})
	fmt.Println("tickers: none early")
}

// Some deadlines are the context's own, some its parent's; some contexts are cancelled at about that time.
func contexts() {
	const children = 200
	parent, cancel := context.WithTimeout(context.Background(), 50*unit)
	defer cancel()
	inParallel(children, func(i int) {
		child, cancelChild := context.WithTimeout(parent, time.Duration(i%100+1)*unit)
		defer cancelChild()
		cancelled := i%3 == 0
		if cancelled {
			time.AfterFunc(time.Duration(i%100+1)*unit, cancelChild)
		}
		<-child.Done()
		err := child.Err()
		deadline, _ := child.Deadline()
		if err == context.DeadlineExceeded {
			must(!time.Now().Before(deadline), "a context's deadline came early")
		} else {
			must(cancelled && err == context.Canceled, "a context's end: %v", err)
		}
		cancelChild()
		must(child.Err() == err, "a context's end changed")
	})
	<-parent.Done()
	fmt.Println("contexts:", parent.Err())
}

// A timer that is set while all others sleep for an hour, by a goroutine whose thread then sleeps, too.
func sooner() {
	const rounds = 50
	far := time.After(time.Hour)
	for i := 0; i < rounds; i++ {
		rang := make(chan bool)
		go time.AfterFunc(time.Duration(i%4)*10*unit, func() { close(rang) })
		select {
		case <-rang:
		case <-far:
			must(false, "an hour is shorter")
		}
	}
	fmt.Println("sooner:", rounds, "times")
}

func main() {
	fleet()
	stops()
	resets()
	tickers()
	contexts()
	sooner()
}
