package findmy_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/clearance-project/clearance/platform/findmy/devicesvc"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	limit    = 20 * time.Second // the longest wait for what must come
	stranger = 65534            // nobody
	holder   = 1                // daemon, as the owner of a device
	provider = "demo"
	identity = "alice@cloud.example"
	password = "correct horse"
)

var account = departure.Account{Provider: provider, Identity: identity}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: several users speak on one bus here")
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func systemBus(t *testing.T, services string) *session.SystemBus {
	t.Helper()
	return sessiontest.StartSystemBus(t, session.SystemOptions{
		Owners: []uint32{0, uint32(os.Geteuid()), stranger}, ServiceDir: services,
	})
}

func dial(t *testing.T, b *session.SystemBus) *dbus.Conn {
	t.Helper()
	conn, err := b.Dial(within(t))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// dialAs connects as another user: the bus takes the uid from the socket, which
// takes it from the thread that connects.
func dialAs(t *testing.T, b *session.SystemBus, uid int) *dbus.Conn {
	t.Helper()
	needRoot(t)
	type result struct {
		conn *dbus.Conn
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its uid
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
			done <- result{nil, e}
			return
		}
		conn, err := dbus.Dial(b.Address)
		done <- result{conn, err}
	}()
	r := <-done
	must(t, r.err)
	t.Cleanup(func() { _ = r.conn.Close() })
	must(t, r.conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(uid))}))
	must(t, r.conn.Hello())
	return r.conn
}

// allowMe lets implementers count that run as the user of the test.
func allowMe(names ...string) func() ([]findmy.Allowed, error) {
	return func() ([]findmy.Allowed, error) {
		var list []findmy.Allowed
		for _, n := range names {
			list = append(list, findmy.Allowed{Name: findmy.Prefix + n, UID: uint32(os.Geteuid())})
		}
		return list, nil
	}
}

func client(t *testing.T, b *session.SystemBus) *findmy.Client {
	t.Helper()
	return clientWith(t, findmy.Options{Address: b.Address, Allow: allowMe("One", "Two", "Fake", "Auto", "Broken")})
}

func clientWith(t *testing.T, o findmy.Options) *findmy.Client {
	t.Helper()
	c, err := findmy.Open(within(t), o)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// cloud is a provider's server that knows one password.
type cloud struct {
	*httptest.Server
	status atomic.Int64 // answered instead, where not 0
	asked  atomic.Int64
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		if s := c.status.Load(); s != 0 {
			w.Header().Set("Location", c.URL+"/elsewhere")
			w.WriteHeader(int(s))
			return
		}
		if user, pass, ok := r.BasicAuth(); !ok || user != identity || pass != password {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// device is a running devicesvc.
type device struct {
	*devicesvc.Service
	cfg  devicesvc.Config
	stop func()
}

func startDevice(t *testing.T, conn *dbus.Conn, vendor, account string, c *cloud) *device {
	t.Helper()
	check, err := devicesvc.NewHTTPCheck(c.URL+"/login", identity)
	must(t, err)
	owner := uint32(holder)
	me := uint32(os.Geteuid())
	d := &device{cfg: devicesvc.Config{
		Vendor: vendor, Provider: provider, Account: account, Owner: &owner, Agent: &me,
		StateFile: filepath.Join(t.TempDir(), "state"), Check: check, Confirmer: check.Host(),
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}}
	d.start(t, conn)
	return d
}

func (d *device) start(t *testing.T, conn *dbus.Conn) {
	t.Helper()
	s, err := devicesvc.New(d.cfg)
	must(t, err)
	d.Service = s
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, conn) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Log("the service ended: ", err) // its connection may be closed already
		}
	})
	t.Cleanup(d.stop)
	awaitName(t, conn, s.Name())
}

func awaitName(t *testing.T, conn *dbus.Conn, name string) {
	t.Helper()
	for end := time.Now().Add(limit); ; runtime.Gosched() {
		var owned bool
		must(t, conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned))
		if owned {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nobody owned %s within %v", name, limit)
		}
	}
}

// fake is an implementer that does as the test wants.
type fake struct {
	conn   *dbus.Conn
	mu     sync.Mutex
	values map[string]dbus.Variant
	answer func() (map[string]dbus.Variant, *dbus.Error) // to Disable and Enable
	asked  func()                                        // in GetAll, before it answers
	reads  atomic.Int64
	acts   atomic.Int64
}

func good(state string) map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"State": dbus.MakeVariant(state), "Provider": dbus.MakeVariant(provider), "Account": dbus.MakeVariant(identity),
		"ConfirmedBy": dbus.MakeVariant("cloud.example"), "ObservedAt": dbus.MakeVariant(int64(1_700_000_000)),
		"Simulated": dbus.MakeVariant(false),
	}
}

func result(word string) func() (map[string]dbus.Variant, *dbus.Error) {
	return func() (map[string]dbus.Variant, *dbus.Error) {
		return map[string]dbus.Variant{findmy.ResultKey: dbus.MakeVariant(word)}, nil
	}
}

func (f *fake) set(name string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values = maps.Clone(f.values)
	if value == nil {
		delete(f.values, name)
		return
	}
	f.values[name] = dbus.MakeVariant(value)
}

// on sets what is done when it is read, and how it answers an act.
func (f *fake) on(asked func(), answer func() (map[string]dbus.Variant, *dbus.Error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if asked != nil {
		f.asked = asked
	}
	if answer != nil {
		f.answer = answer
	}
}

// reset sets all properties.
func (f *fake) reset(values map[string]dbus.Variant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values = values
}

func (f *fake) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	f.reads.Add(1)
	f.mu.Lock()
	asked := f.asked
	f.mu.Unlock()
	if asked != nil {
		asked()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values, nil
}

func (f *fake) Disable(map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	f.acts.Add(1)
	f.mu.Lock()
	answer := f.answer
	f.mu.Unlock()
	return answer()
}

func (f *fake) Enable(p map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	return f.Disable(p)
}

func (f *fake) changed(t *testing.T) {
	t.Helper()
	must(t, f.conn.Emit(findmy.Path, "org.freedesktop.DBus.Properties.PropertiesChanged",
		findmy.Interface, map[string]dbus.Variant{}, []string{"State"}))
}

func startFake(t *testing.T, conn *dbus.Conn, vendor string, values map[string]dbus.Variant) *fake {
	t.Helper()
	f := &fake{conn: conn, values: values, answer: result(findmy.ResultFailed)}
	must(t, conn.Export(f, findmy.Path, findmy.Interface))
	must(t, conn.Export(f, findmy.Path, "org.freedesktop.DBus.Properties"))
	own(t, conn, vendor)
	return f
}

func own(t *testing.T, conn *dbus.Conn, vendor string) {
	t.Helper()
	got, err := conn.RequestName(findmy.Prefix+vendor, dbus.NameFlagDoNotQueue)
	must(t, err)
	if got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot own %s: %v", vendor, got)
	}
}

func look(t *testing.T, c *findmy.Client, met ...string) findmy.Report {
	t.Helper()
	r, err := c.Look(within(t), met)
	must(t, err)
	if !r.Complete {
		t.Fatalf("the look is incomplete: %s", r.Why)
	}
	return r
}

func wantState(t *testing.T, c *findmy.Client, vendor string, want departure.TrackerState) findmy.Implementer {
	t.Helper()
	i := look(t, c).Find(findmy.Prefix + vendor)
	if i == nil {
		t.Fatalf("%s was not found", vendor)
	}
	if !i.Counts || i.State != want {
		t.Fatalf("%s: %+v, want %s", vendor, *i, want)
	}
	return *i
}
