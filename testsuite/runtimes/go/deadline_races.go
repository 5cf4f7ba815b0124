// Deadlines of Go's descriptors, and Close, against whoever waits: set, moved and passed while a read waits,
// and data that comes at the same time (src/runtime/netpoll.go: poll_runtime_pollSetDeadline, netpollunblock;
// src/internal/poll/fd_poll_runtime.go, fd_mutex.go).
//
// Hard on an epoll emulation, because a timer, an edge and a Close race for one parked goroutine, and the loser
// must leave nothing behind. A descriptor of the poller is used again for the next connection, where neither
// the old one's timer nor an event that is under way may end a wait; the number is closed by the last who uses
// it. Where two answers are right, the program takes either and then checks that no byte, connection or wake-up
// was lost.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

const unit = 200 * time.Microsecond

var past = time.Unix(1, 0)

// What sockets and pipes have in common.
type waiter interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

func connect(listener net.Listener) (one, other waiter) {
	accepted := make(chan waiter)
	go func() {
		conn, err := listener.Accept()
		fine(err, "accept")
		accepted <- conn
	}()
	conn, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
	fine(err, "dial")
	return conn, <-accepted
}

// kinds makes pairs of everything that has deadlines: what is written to the first is read from the second.
var kinds = []struct {
	name string
	pair func() (to, from waiter)
}{
	{"tcp", func() (to, from waiter) { return connect(tcp) }},
	{"unix", func() (to, from waiter) { return connect(unix) }},
	{"pipe", func() (to, from waiter) {
		reader, writer, err := os.Pipe()
		fine(err, "pipe")
		return writer, reader
	}},
}

var tcp, unix = listen("tcp", "127.0.0.1:0"), listen("unix", "")

func listen(network, address string) net.Listener {
	listener, err := net.Listen(network, address)
	fine(err, "listen")
	return listener
}

// reads starts count reads that wait, and gives their errors.
func reads(from waiter, count int) chan error {
	ends := make(chan error)
	for i := 0; i < count; i++ {
		go func() {
			_, err := from.Read(make([]byte, 1))
			ends <- err
		}()
	}
	return ends
}

func allAre(ends chan error, count int, is func(error) bool) bool {
	all := true
	for i := 0; i < count; i++ {
		all = is(<-ends) && all
	}
	return all
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
func closed(err error) bool   { return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) }

// Reads wait without a deadline or for a far one, and are told of a nearer one, one in the past, or Close.
func waitingReads(name string, pair func() (to, from waiter)) {
	const readers = 3
	to, from := pair()
	ends := reads(from, readers)
	due := time.Now().Add(5 * unit)
	fine(from.SetReadDeadline(due), "SetReadDeadline")
	near := allAre(ends, readers, timedOut) && !time.Now().Before(due)
	fine(from.SetReadDeadline(time.Now().Add(time.Hour)), "SetReadDeadline")
	ends = reads(from, readers)
	time.Sleep(5 * unit)
	fine(from.SetDeadline(past), "SetDeadline")
	passed := allAre(ends, readers, timedOut)
	fine(from.SetDeadline(time.Time{}), "SetDeadline")
	ends = reads(from, readers)
	time.Sleep(5 * unit)
	fine(from.Close(), "close")
	shut := allAre(ends, readers, closed) && closed(<-reads(from, 1))
	fmt.Printf("%s: near: %v, past: %v, close: %v\n", name, near, passed, shut)
	to.Close()
}

// Bytes come at about the time of the deadline, which others move to and fro: each byte is read once, in order.
func dataAtDeadlines(name string, pair func() (to, from waiter)) {
	const count = 40
	to, from := pair()
	done := make(chan bool)
	go func() {
		for i := 0; i < count; i++ {
			time.Sleep(time.Duration(i%4) * unit)
			_, err := to.Write([]byte{byte(i)})
			fine(err, "write")
		}
		to.Close()
	}()
	go func() {
		defer close(done)
		for i := 0; i < count; i++ {
			for _, delay := range []time.Duration{time.Hour, 0, unit} {
				fine(from.SetReadDeadline(time.Now().Add(delay)), "SetReadDeadline")
			}
			time.Sleep(unit)
		}
		fine(from.SetReadDeadline(time.Time{}), "SetReadDeadline")
	}()
	got := 0
	for {
		buffer := make([]byte, 3)
		read, err := from.Read(buffer)
		for _, value := range buffer[:read] {
			must(value == byte(got), "%s: byte %d is %d", name, got, value)
			got++
		}
		if err == io.EOF {
			break
		}
		must(err == nil || timedOut(err), "%s: read: %v", name, err)
		if err != nil {
			time.Sleep(unit / 4)
		}
	}
	<-done
	from.Close()
	fmt.Println(name, "bytes among deadlines:", got)
}

// A write that fills the buffers ends at its deadline and says how much it wrote; the next goes on from there.
func fullBuffers(name string, pair func() (to, from waiter)) {
	to, from := pair()
	if conn, ok := to.(interface{ SetWriteBuffer(int) error }); ok {
		fine(conn.SetWriteBuffer(10000), "SetWriteBuffer")
	}
	sent := pattern(3, 600_000)
	fine(to.SetWriteDeadline(time.Now().Add(20*unit)), "SetWriteDeadline")
	written, err := to.Write(sent)
	must(timedOut(err) && written < len(sent), "%s: a write of %d bytes: %v", name, written, err)
	again, err := to.Write(sent)
	must(again == 0 && timedOut(err), "%s: a write after the deadline: %d, %v", name, again, err)
	fine(to.SetWriteDeadline(time.Time{}), "SetWriteDeadline")
	go func() {
		_, err := to.Write(sent[written:])
		fine(err, "the rest")
		to.Close()
	}()
	got, err := io.ReadAll(from)
	must(err == nil && string(got) == string(sent), "%s: %d bytes, %v", name, len(got), err)
	from.Close()
	fmt.Println(name, "write deadline: each byte was written once")
}

// A connection is closed with its timer armed; the next one, which may get its number and its place in the
// poller, waits in peace.
func usedAgain(name string, pair func() (to, from waiter)) {
	for i := 0; i < 30; i++ {
		to, from := pair()
		ends := reads(from, 1)
		fine(from.SetDeadline(time.Now().Add(time.Duration(i%4)*unit)), "SetDeadline")
		time.Sleep(time.Duration(i%3) * unit)
		from.Close()
		err := <-ends
		must(closed(err) || timedOut(err), "%s: %v", name, err)
		to.Close()
		to, from = pair()
		ends = reads(from, 1)
		time.Sleep(3 * unit)
		_, err = to.Write([]byte("x"))
		fine(err, "write")
		fine(<-ends, "read of the next connection")
		to.Close()
		from.Close()
	}
	fmt.Println(name, "used again: in peace")
}

// An accept ends at its deadlines, again and again, while clients come: all of them are accepted.
func accepts() {
	const clients = 20
	listener := listen("tcp", "127.0.0.1:0").(*net.TCPListener)
	go inParallel(clients, func(i int) {
		time.Sleep(time.Duration(i%6) * unit)
		conn, err := net.Dial("tcp", listener.Addr().String())
		fine(err, "dial")
		conn.Close()
	})
	for accepted := 0; accepted < clients; {
		fine(listener.SetDeadline(time.Now().Add(unit)), "SetDeadline")
		conn, err := listener.Accept()
		if err == nil {
			accepted++
			conn.Close()
		}
		must(err == nil || timedOut(err), "accept: %v", err)
	}
	fine(listener.SetDeadline(past), "SetDeadline")
	_, err := listener.Accept()
	fine(listener.SetDeadline(time.Time{}), "SetDeadline")
	ends := make(chan error)
	go func() {
		_, err := listener.Accept()
		ends <- err
	}()
	time.Sleep(5 * unit)
	listener.Close()
	fmt.Println("accept: all came, past:", timedOut(err), "close:", closed(<-ends))
}

// Dials to a queue that is full wait, until their time is over or somebody cancels them.
func dials() {
	number, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	fine(err, "socket")
	fine(syscall.Bind(number, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), "bind")
	fine(syscall.Listen(number, 0), "listen")
	bound, err := syscall.Getsockname(number)
	fine(err, "getsockname")
	address := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	first, err := net.Dial("tcp", address)
	fine(err, "the dial that fills the queue")
	inParallel(10, func(i int) {
		_, err := net.DialTimeout("tcp", address, time.Duration(i+1)*unit)
		timeout, ok := err.(net.Error)
		must(ok && timeout.Timeout(), "dial with a timeout: %v", err)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Duration(i)*unit, cancel)
		_, err = new(net.Dialer).DialContext(ctx, "tcp", address)
		must(err != nil && ctx.Err() == context.Canceled, "dial that is cancelled: %v", err)
	})
	first.Close()
	syscall.Close(number)
	// Where somebody listens, a dial that is cancelled may succeed.
	listener := listen("tcp", "127.0.0.1:0")
	inParallel(20, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		if err == nil {
			conn.Close()
		}
	})
	listener.Close()
	fmt.Println("dials: timed out, cancelled")
}

func main() {
	for _, kind := range kinds {
		waitingReads(kind.name, kind.pair)
		dataAtDeadlines(kind.name, kind.pair)
		fullBuffers(kind.name, kind.pair)
		usedAgain(kind.name, kind.pair)
	}
	accepts()
	dials()
}
