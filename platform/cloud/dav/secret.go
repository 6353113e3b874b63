package dav

import (
	"fmt"
	"log/slog"
)

// Secret is a password or token that does not print itself.
type Secret struct{ value string }

// NewSecret wraps a password or token.
func NewSecret(value string) Secret { return Secret{value} }

// Empty says that there is none.
func (s Secret) Empty() bool { return s.value == "" }

// Format writes a placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	// fmt.State has no way to hand an error on.
	_, _ = f.Write([]byte("[secret]"))
}

// LogValue is the placeholder too.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText is the placeholder too, so that no encoder writes the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Credentials are what the server knows the account by: a user with a
// password, or a bearer token, which goes first where both are set.
type Credentials struct {
	User     string
	Password Secret
	Bearer   Secret
}
