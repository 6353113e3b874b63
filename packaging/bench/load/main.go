// Command load asks the agent for the status of a departure, again and again,
// and prints how long the answers took as JSON:
//
//	load [-clients 100 -connections 24 -rate 10000] [-for 5s] SOCKET DEPARTURE
//
// It is a process of its own because the agent answers its own person alone.
// Without a rate each client asks as soon as it has its answer. With one, the
// calls are due at fixed times, and an answer is as late as it is after the time
// at which its call was due: a queue does not hide. The clients share their
// connections, for the agent gives one person only so many.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// answers is what is printed.
type answers struct {
	Calls    int
	P50, P99 time.Duration
	Rate     float64 // answers a second
}

func main() {
	clients := flag.Int("clients", 1, "how many ask at once")
	connections := flag.Int("connections", 24, "how many connections they share at most")
	rate := flag.Float64("rate", 0, "calls a second of all together; 0: as fast as the answers come")
	lasting := flag.Duration("for", 5*time.Second, "how long")
	flag.Parse()
	if flag.NArg() != 2 || *clients < 1 || *connections < 1 {
		fmt.Fprintln(os.Stderr, "usage: load [-clients N] [-connections N] [-rate CALLS] [-for DURATION] SOCKET DEPARTURE")
		os.Exit(2)
	}
	l := load{clients: *clients, rate: *rate, lasting: *lasting, free: make(chan *asker, *connections)}
	for range *connections {
		l.free <- &asker{socket: flag.Arg(0), departure: flag.Arg(1)}
	}
	if err := l.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type load struct {
	clients int
	rate    float64
	lasting time.Duration
	free    chan *asker // those that nobody asks through just now; each has one connection
}

func (l *load) run(out io.Writer) error {
	var all sync.WaitGroup
	late, errs := make([][]time.Duration, l.clients), make([]error, l.clients)
	began := time.Now()
	for i := range l.clients {
		all.Go(func() { late[i], errs[i] = l.client(began, i) })
	}
	all.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	sorted := slices.Concat(late...)
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return errors.New("nothing was answered")
	}
	return json.NewEncoder(out).Encode(answers{Calls: n, P50: sorted[n/2], P99: sorted[n*99/100], Rate: float64(n) / took.Seconds()})
}

// client asks until the time is over.
func (l *load) client(began time.Time, i int) (late []time.Duration, err error) {
	every := time.Duration(0)
	if l.rate > 0 {
		every = time.Duration(float64(l.clients) / l.rate * float64(time.Second))
	}
	// The clients begin spread over one interval.
	due := began.Add(every * time.Duration(i) / time.Duration(l.clients))
	end := began.Add(l.lasting)
	for time.Now().Before(end) {
		if every == 0 {
			due = time.Now()
		} else {
			<-time.After(time.Until(due))
		}
		c := <-l.free
		err := c.ask()
		l.free <- c
		if err != nil {
			return nil, err
		}
		late = append(late, time.Since(due))
		due = due.Add(every)
	}
	return late, nil
}
