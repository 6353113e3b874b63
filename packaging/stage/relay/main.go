// Command relay carries connections to the agent's socket as the person who
// runs it, so that a test which is root can speak with an agent that answers
// nobody but its own person. The listening socket is handed over as descriptor
// 3: it was made by the test, and a client sees that.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: relay AGENT-SOCKET 3<LISTENING-SOCKET")
		os.Exit(2)
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		go carry(from, os.Args[1])
	}
}

func carry(from net.Conn, agent string) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("unix", agent)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // the other side hears of the end
			done <- struct{}{}
		}()
	}
	<-done
}
