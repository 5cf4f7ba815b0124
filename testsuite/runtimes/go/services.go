// Go's runtime as a guest: goroutines on several threads, its network poller (edge-triggered epoll), timers, an HTTP server
// and its client in one process, and a program that executes itself.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Goroutines that hand numbers on through a channel, and a counter that all of them raise.
func storm() {
	const workers, each = 100, 20
	numbers := make(chan int, 10)
	var counter int64
	var group sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for i := 0; i < each; i++ {
				atomic.AddInt64(&counter, 1)
				numbers <- worker
			}
		}(worker)
	}
	go func() { group.Wait(); close(numbers) }()
	sum := 0
	for number := range numbers {
		sum += number
	}
	fmt.Println("storm:", sum, counter)
}

// A deadline that comes, and one that does not.
func deadlines() {
	begin := time.Now()
	select {
	case <-time.After(50 * time.Millisecond):
		fmt.Println("after 50 ms, not early:", time.Since(begin) >= 50*time.Millisecond)
	case <-time.After(time.Hour):
		fmt.Println("an hour is shorter")
	}
	done := make(chan bool)
	timer := time.AfterFunc(time.Hour, func() { done <- false })
	go func() { done <- true }()
	fmt.Println("done:", <-done, "stopped:", timer.Stop())
}

func web() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s, %d bytes", r.Method, r.URL.Path, len(body))
	}))
	defer server.Close()
	answers := make([]string, 8)
	var group sync.WaitGroup
	for i := range answers {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			response, err := http.Get(fmt.Sprintf("%s/%d", server.URL, i))
			if err != nil {
				answers[i] = err.Error()
				return
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			answers[i] = string(text)
		}(i)
	}
	group.Wait()
	for _, answer := range answers {
		fmt.Println(answer)
	}
}

func child() {
	output, err := exec.Command("/proc/self/exe", "child").Output()
	fmt.Printf("%s%v\n", output, err)
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println("the child was told:", os.Args[1])
		os.Exit(3)
	}
	storm()
	deadlines()
	web()
	child()
}
