// Processes of Go: os/exec with pipes both ways, many children at once, signals to them and to oneself, kill,
// Wait, and pidfds (src/syscall/exec_linux.go: forkAndExecInChild1; src/os/exec_unix.go, wait_waitid.go;
// src/runtime/sigqueue.go).
//
// Hard on an emulated kernel, because the process has many threads when it forks: the child is made with
// CLONE_VFORK | CLONE_VM, runs on its parent's stack with all signals blocked, and tells by a close-on-exec
// pipe if exec failed. Wait is waitid(WNOWAIT) first and wait4(2) after, so that nobody signals a process id
// that was given away. Signals come to whichever thread and are handed to a goroutine by a semaphore that is
// posted in the handler. Here a pidfd is watched by the runtime's epoll, too.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// What the children do: this program, executed again.
var roles = map[string]func(){
	"exit": func() {
		var status int
		fmt.Sscan(os.Args[2], &status)
		os.Exit(status)
	},
	"upper": func() {
		text, err := io.ReadAll(os.Stdin)
		fine(err, "stdin")
		os.Stdout.Write(bytes.ToUpper(text))
		fmt.Fprint(os.Stderr, len(text), " bytes")
	},
	// Says that it is ready, and then how many signals it got.
	"signals": func() {
		signals := make(chan os.Signal, 10)
		signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTERM)
		fmt.Println("ready")
		for count := 0; ; count++ {
			if got := <-signals; got == syscall.SIGTERM {
				fmt.Println("usr1:", count)
				os.Exit(7)
			}
			fmt.Println("one")
		}
	},
	"third": func() {
		directory, err := os.Getwd()
		fine(err, "Getwd")
		fmt.Fprint(os.NewFile(3, "third"), os.Getenv("WORD"), " in ", directory)
	},
}

func child(arguments ...string) *exec.Cmd { return exec.Command("/proc/self/exe", arguments...) }

// What a process that has ended says of it.
func ending(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Sprint(err)
	}
	return exit.ProcessState.String()
}

// More than the pipes hold goes in and comes out; then many children at once, each with a status of its own.
func pipes() {
	const size, children = 150_000, 12
	upper := child("upper")
	sent := strings.Repeat("abcdefghi\n", size/10)
	upper.Stdin = strings.NewReader(sent)
	var errorText bytes.Buffer
	upper.Stderr = &errorText
	got, err := upper.Output()
	fmt.Println("upper:", err, string(got) == strings.ToUpper(sent), errorText.String())
	statuses := make([]int, children)
	inParallel(children, func(i int) {
		command := child("exit", fmt.Sprint(i))
		command.Run()
		statuses[i] = command.ProcessState.ExitCode()
	})
	fmt.Println("statuses:", statuses)
}

// A child that waits for signals: each is answered, so none is lost in another.
func signals() {
	command := child("signals")
	stdout, err := command.StdoutPipe()
	fine(err, "StdoutPipe")
	fine(command.Start(), "start")
	lines := bufio.NewScanner(stdout)
	for i := 0; i < 5; i++ {
		lines.Scan()
		fmt.Println("the child:", lines.Text())
		fine(command.Process.Signal(syscall.SIGUSR1), "signal")
	}
	lines.Scan()
	fine(command.Process.Signal(syscall.SIGTERM), "signal")
	lines.Scan()
	fmt.Println("the child:", lines.Text(), "then", ending(command.Wait()))
	fmt.Println("signal after Wait:", errors.Is(command.Process.Signal(syscall.SIGTERM), os.ErrProcessDone))

	// To oneself, while children end: SIGCHLD comes too.
	own, ofChild := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(own, syscall.SIGUSR2)
	signal.Notify(ofChild, syscall.SIGCHLD)
	fine(syscall.Kill(os.Getpid(), syscall.SIGUSR2), "kill")
	fmt.Println("to oneself:", <-own)
	child("exit", "0").Run()
	fmt.Println("of a child:", <-ofChild)
	signal.Stop(ofChild)
	signal.Ignore(syscall.SIGUSR2)
	fine(syscall.Kill(os.Getpid(), syscall.SIGUSR2), "kill")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	fine(syscall.Kill(os.Getpid(), syscall.SIGHUP), "kill")
	<-ctx.Done()
	stop()
	fmt.Println("ignored, and a context:", ctx.Err())
}

// Children that would wait for ever are killed: by Kill, by a context, all of a process group at once.
func kills() {
	command := child("signals")
	fine(command.Start(), "start")
	go command.Process.Kill()
	fmt.Println("killed:", ending(command.Wait()))
	ctx, cancel := context.WithCancel(context.Background())
	command = exec.CommandContext(ctx, "/proc/self/exe", "signals")
	fine(command.Start(), "start")
	go cancel()
	fmt.Println("by a context:", ending(command.Wait()), ctx.Err())
	var group []*exec.Cmd
	leader := 0
	for i := 0; i < 3; i++ {
		member := child("signals")
		member.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: leader}
		fine(member.Start(), "start")
		group = append(group, member)
		leader = group[0].Process.Pid
	}
	fine(syscall.Kill(-leader, syscall.SIGKILL), "kill of a group")
	for _, member := range group {
		fmt.Println("member:", ending(member.Wait()))
	}
}

// What a child is given, and what exec refuses.
func starts() {
	reader, writer, err := os.Pipe()
	fine(err, "pipe")
	third := child("third")
	third.ExtraFiles, third.Env, third.Dir = []*os.File{writer}, []string{"WORD=word"}, "/proc"
	fine(third.Start(), "start")
	writer.Close()
	text, err := io.ReadAll(reader)
	fmt.Println("third descriptor:", string(text), err, third.Wait())
	fmt.Println("no such program:", errors.Is(exec.Command("/no/such").Run(), fs.ErrNotExist))
	fmt.Println("a directory:", errors.Is(exec.Command("/proc").Run(), fs.ErrPermission))
	elsewhere := child("exit", "0")
	elsewhere.Dir = "/no/such"
	fmt.Println("no such directory:", errors.Is(elsewhere.Run(), fs.ErrNotExist))
}

// The calls have the same numbers everywhere. Newer versions of Go keep each child by a pidfd.
const (
	pidfdSendSignal = 424
	pidfdOpen       = 434
	byPidfd         = 3
	nonblocking     = syscall.O_NONBLOCK
)

// A pidfd in the runtime's epoll instance is ready when the process has ended; waitid(2) takes it, too.
func pidfds() {
	const children = 4
	inParallel(children, func(i int) {
		command := child("signals")
		fine(command.Start(), "start")
		number, _, failed := syscall.Syscall(pidfdOpen, uintptr(command.Process.Pid), nonblocking, 0)
		must(failed == 0, "pidfd_open: %v", failed)
		pidfd := os.NewFile(number, "pidfd")
		raw, err := pidfd.SyscallConn()
		fine(err, "SyscallConn")
		waitid := func(fd uintptr) syscall.Errno {
			_, _, err := syscall.Syscall6(syscall.SYS_WAITID, byPidfd, fd, 0, syscall.WEXITED|syscall.WNOWAIT, 0, 0)
			return err
		}
		go raw.Control(func(fd uintptr) {
			time.Sleep(time.Duration(i) * time.Millisecond)
			syscall.Syscall6(pidfdSendSignal, fd, uintptr(syscall.SIGKILL), 0, 0, 0, 0)
		})
		// Called again whenever epoll says that the pidfd is readable.
		err = raw.Read(func(fd uintptr) bool {
			err := waitid(fd)
			must(err == 0 || err == syscall.EAGAIN, "waitid: %v", err)
			return err == 0
		})
		fine(err, "a pidfd")
		must(ending(command.Wait()) == "signal: killed", "the end of a child with a pidfd")
		pidfd.Close()
	})
	fmt.Println("pidfds:", children)
}

func main() {
	if len(os.Args) > 1 {
		roles[os.Args[1]]()
		return
	}
	pipes()
	signals()
	kills()
	starts()
	pidfds()
}
