// Package sessiontest gives tests a private desktop session with real services.
//
//	func TestMain(m *testing.M) { sessiontest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		s := sessiontest.Start(t, session.Options{})
//		conn := s.Conn(t)
//		…
//	}
//
// It imports the session package and the standard library; only tests import
// it.
//
// Invariants:
//   - Tests never run as root: Main runs the test program again as an
//     unprivileged user, with the same flags, output, profiles and exit status.
//   - No test reaches the session it was started from: Main takes every road
//     to it out of the environment.
//   - A missing program fails the tests in CI (CI=true) and skips them
//     elsewhere, and either way says what to install.
package sessiontest
