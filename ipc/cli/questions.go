package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// errNobody: there is nobody at a terminal to ask.
var errNobody = errors.New("there is nobody to ask")

// maxAnswer is the longest answer, password or password file, in bytes.
const maxAnswer = 4096

// questions asks a person at a terminal.
type questions struct {
	out      io.Writer
	lines    *lines
	password func(context.Context) (string, error)
	open     bool
}

// ask prints a prompt and reads one line.
func (q *questions) ask(ctx context.Context, prompt string) (string, error) {
	if !q.open {
		return "", errNobody
	}
	fmt.Fprint(q.out, prompt+" ")
	line, err := q.lines.next(ctx)
	if errors.Is(err, io.EOF) {
		return "", errNobody
	}
	return strings.TrimSpace(line), err
}

// tries is how often a question is put to somebody whose answer is not
// understood.
const tries = 3

// until asks until an answer is understood, and says after each that is not what
// would be. ok is false where none was.
func (q *questions) until(ctx context.Context, prompt, wanted string, understood func(answer string) bool) (answer string, ok bool, err error) {
	for range tries {
		if answer, err = q.ask(ctx, prompt); err != nil {
			return "", false, err
		}
		if understood(answer) {
			return answer, true, nil
		}
		fmt.Fprintln(q.out, wanted)
	}
	return answer, false, nil
}

// yes asks for a yes in full; anything else is no.
func (q *questions) yes(ctx context.Context, prompt string) (bool, error) {
	answer, err := q.ask(ctx, prompt)
	return strings.EqualFold(answer, "yes") || strings.EqualFold(answer, "y"), err
}

// secret reads a password without echo.
func (q *questions) secret(ctx context.Context, prompt string) (string, error) {
	if !q.open || q.password == nil {
		return "", errNobody
	}
	fmt.Fprint(q.out, prompt+" ")
	secret, err := q.password(ctx)
	fmt.Fprintln(q.out)
	return secret, err
}

// secretFile reads the first line of a file, "-" being standard input.
func (q *questions) secretFile(ctx context.Context, path string) (string, error) {
	if path == "-" {
		return q.lines.next(ctx)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	if len(content) > maxAnswer {
		return "", errors.New("cannot read the password: the file is too long to hold one")
	}
	first, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSuffix(first, "\r"), nil
}

// lines reads a reader line by line without holding up its caller: a read that
// nobody waits for any more ends with the process.
type lines struct {
	in      *bufio.Reader
	answers chan line
	pending bool
}

type line struct {
	text string
	err  error
}

func newLines(in io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(in, maxAnswer), answers: make(chan line, 1)}
}

// begin reads a line in the background, unless one is being read already.
func (l *lines) begin() <-chan line {
	if !l.pending {
		l.pending = true
		go func() {
			text, err := l.in.ReadString('\n')
			if errors.Is(err, io.EOF) && text != "" {
				err = nil
			}
			l.answers <- line{strings.TrimRight(text, "\r\n"), err}
		}()
	}
	return l.answers
}

// next is one line, or the end of ctx.
func (l *lines) next(ctx context.Context) (string, error) {
	select {
	case answer := <-l.begin():
		l.pending = false
		return answer.text, answer.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
