package bus

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// wrong answers with other types than are asked for.
type wrong struct{}

func (wrong) Text() (string, *dbus.Error)         { return "0", nil }
func (wrong) Pair() (uint32, uint32, *dbus.Error) { return 1, 2, nil }
func (wrong) Wide() (uint64, *dbus.Error)         { return 0, nil }
func (wrong) Nothing() *dbus.Error                { return nil }
func (wrong) Refuse() *dbus.Error {
	return dbus.NewError("org.clearance.No", []any{"bad\x1b[31m" + strings.Repeat("x", 1000)})
}

func TestRepliesOfWrongTypes(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	if err := own(t, s).Export(wrong{}, testPath, testName); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"Text", "Pair", "Wide", "Nothing"} {
		var uid uint32
		err := c.Call(ctx, Method{Service: testName, Path: testPath, Name: testName + "." + member}, nil, &uid)
		var reply *ReplyError
		if !errors.As(err, &reply) {
			t.Errorf("%s for a uint32: %v, want a ReplyError", member, err)
		}
	}
	err := c.Call(ctx, Method{Service: testName, Path: testPath, Name: testName + ".Refuse"}, nil)
	var remote *RemoteError
	if !errors.As(err, &remote) || remote.Name != "org.clearance.No" {
		t.Fatalf("got %v, want the service's refusal", err)
	}
	if strings.ContainsRune(remote.Message, '\x1b') || len(remote.Message) > maxText+3 {
		t.Errorf("the service's text was kept as it is: %d bytes", len(remote.Message))
	}
}

func TestServiceThatDoesNotAnswer(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	service := own(t, s)
	called := make(chan struct{}, 2)
	if err := service.Export(exported(t, called), testPath, testName); err != nil {
		t.Fatal(err)
	}
	wait := Method{Service: testName, Path: testPath, Name: testName + ".Wait"}
	short := wait
	short.Timeout = 50 * time.Millisecond
	if err := c.Call(ctx, short, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that is not answered: %v, want a deadline", err)
	}
	await(ctx, t, called)
	result := make(chan error, 1)
	go func() { result <- c.Call(ctx, wait, nil) }()
	await(ctx, t, called)
	if err := service.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrVanished) || errors.Is(err, ErrNoService) {
		t.Errorf("a service that vanished during the call: %v, want ErrVanished", err)
	}
	if err := c.Call(ctx, wait, nil); !errors.Is(err, ErrNoService) {
		t.Errorf("a service that is gone: %v, want ErrNoService", err)
	}
	if err := c.Fence(ctx, testName); !errors.Is(err, ErrNoService) {
		t.Errorf("a fence for a service that is gone: %v, want ErrNoService", err)
	}
}

func TestBusThatDiesDuringACall(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	called := make(chan struct{}, 1)
	if err := own(t, s).Export(exported(t, called), testPath, testName); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		result <- c.Call(ctx, Method{Service: testName, Path: testPath, Name: testName + ".Wait"}, nil)
	}()
	await(ctx, t, called)
	if err := s.StopBus(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrUnavailable) {
		t.Errorf("a bus that died during the call: %v, want ErrUnavailable", err)
	}
}

// TestBusThatStands is a bus that keeps its connections and reads nothing.
func TestBusThatStands(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{Timeout: 200 * time.Millisecond})
	if err := s.StallBus(true); err != nil {
		t.Fatal(err)
	}
	// More than the socket takes, so that the later ones cannot be written.
	text := strings.Repeat("x", 256<<10)
	var calls sync.WaitGroup
	for range maxSending + 16 {
		calls.Go(func() {
			m := Method{Service: testName, Path: testPath, Name: testName + ".Wait"}
			if err := c.Call(ctx, m, []any{text}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call to a bus that stands: %v, want a deadline", err)
			}
		})
	}
	calls.Wait()
	closed := make(chan struct{})
	go func() { c.Close(); close(closed) }()
	await(ctx, t, closed)
}

// TestDialBusThatStands tries to sign in where nobody answers.
func TestDialBusThatStands(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	if err := s.StallBus(true); err != nil {
		t.Fatal(err)
	}
	c := open(t, s, Options{Timeout: 200 * time.Millisecond})
	if err := c.Drain(ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Drain: %v, want ErrUnavailable", err)
	}
	h := listen(t, c, testRule)
	h.await(ctx, t, "down", last(Down))
	if err := s.StallBus(false); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "up", last(Up))
}

func TestOwnerUID(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	service := own(t, s)
	uid, ok, err := c.OwnerUID(ctx, testName)
	if err != nil || !ok || uid != uint32(os.Geteuid()) {
		t.Errorf("OwnerUID = %d, %v, %v; want our own", uid, ok, err)
	}
	if unique, ok, err := c.Owner(ctx, testName); err != nil || !ok || unique != service.Names()[0] {
		t.Errorf("Owner = %q, %v, %v", unique, ok, err)
	}
	if _, ok, err := c.OwnerUID(ctx, "org.clearance.Nobody"); ok || err != nil {
		t.Errorf("OwnerUID of nobody: %v, %v; want not ok and no error", ok, err)
	}
	if _, _, err := c.OwnerUID(ctx, "not a name"); err == nil {
		t.Error("OwnerUID took what is not a name")
	}
}

// silent is a service with a method that answers when the test is over.
type silent struct{ called, over chan struct{} }

func exported(t *testing.T, called chan struct{}) any {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return silent{called, over}
}

func (s silent) Wait() *dbus.Error {
	s.called <- struct{}{}
	<-s.over
	return nil
}

func TestReflectOfReplies(t *testing.T) {
	type pair struct {
		Path dbus.ObjectPath
		N    uint32
	}
	for name, c := range map[string]struct {
		body []any
		out  any
		ok   bool
	}{
		"struct":            {[]any{[]any{dbus.ObjectPath("/a"), uint32(1)}}, new(pair), true},
		"struct, wrong":     {[]any{[]any{"/a", uint32(1)}}, new(pair), false},
		"struct, short":     {[]any{[]any{dbus.ObjectPath("/a")}}, new(pair), false},
		"structs":           {[]any{[][]any{{dbus.ObjectPath("/a"), uint32(1)}}}, new([]pair), true},
		"structs, wrong":    {[]any{[][]any{{dbus.ObjectPath("/a"), int32(1)}}}, new([]pair), false},
		"no structs":        {[]any{[][]any{}}, new([]pair), true},
		"no variants":       {[]any{[]dbus.Variant{}}, new([]pair), false},
		"no texts":          {[]any{[]string{}}, new([]pair), false},
		"map of variants":   {[]any{map[string]dbus.Variant{}}, new(map[string]pair), false},
		"map of structs":    {[]any{map[string][]any{"x": {dbus.ObjectPath("/a"), uint32(1)}}}, new(map[string]pair), true},
		"map, wrong values": {[]any{map[string][]any{"x": {uint32(1)}}}, new(map[string]pair), false},
		"map, wrong keys":   {[]any{map[uint32][]any{}}, new(map[string]pair), false},
		"nothing":           {[]any{nil}, new(string), false},
		"variant":           {[]any{dbus.MakeVariant("x")}, new(dbus.Variant), true},
		"variant, unpacked": {[]any{dbus.MakeVariant("x")}, new(string), false},
		"path for a string": {[]any{dbus.ObjectPath("/x")}, new(string), false},
		"named map": {[]any{map[dbus.ObjectPath]map[string]map[string]dbus.Variant{}},
			new(map[dbus.ObjectPath]map[string]map[string]dbus.Variant), true},
	} {
		if err := store("s", "m", c.body, []any{c.out}); (err == nil) != c.ok {
			t.Errorf("%s: %v, want ok %v", name, err, c.ok)
		}
	}
	got := new(pair)
	if err := store("s", "m", []any{[]any{dbus.ObjectPath("/a"), uint32(3)}}, []any{got}); err != nil || !reflect.DeepEqual(*got, pair{"/a", 3}) {
		t.Errorf("stored %v, %v", *got, err)
	}
}
