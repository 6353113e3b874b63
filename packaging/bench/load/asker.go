package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/clearance-project/clearance/agent"
)

// patience is how long an answer may take.
const patience = 40 * time.Second

// asker is one connection, on which one question is asked at a time. It speaks
// HTTP by hand and decodes its first answer alone: on two cores, a client that
// decoded all would take from the agent most of what is to be measured.
type asker struct {
	socket, departure string
	conn              net.Conn // nil before the first question
	in                *bufio.Reader
}

// ask asks for the status, and reads the whole answer.
func (a *asker) ask() (err error) {
	first := a.conn == nil
	if first {
		if a.conn, err = net.DialTimeout("unix", a.socket, patience); err != nil {
			return err
		}
		a.in = bufio.NewReader(a.conn)
	}
	if err := a.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(a.conn, "GET /v1/departures/"+a.departure+" HTTP/1.1\r\nHost: agent\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(a.in, nil)
	if err != nil {
		return err
	}
	if first {
		err = a.check(answer.Body)
	}
	rest, rerr := io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, rerr, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !first && rest == 0 {
		return fmt.Errorf("the agent answered %s, %d bytes", answer.Status, rest)
	}
	return nil
}

// check holds that an answer is about the departure.
func (a *asker) check(in io.Reader) error {
	var info agent.DepartureInfo
	if err := json.NewDecoder(in).Decode(&info); err != nil {
		return err
	}
	if info.Departure.ID != a.departure {
		return fmt.Errorf("the answer is about %q", info.Departure.ID)
	}
	return nil
}
