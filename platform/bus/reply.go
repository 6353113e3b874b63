package bus

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/godbus/dbus/v5"
)

// store puts a reply into out when it has exactly the types of out. godbus
// converts where it can, and so turns what is not a uid into one.
func store(service, method string, body, out []any) error {
	wrong := &ReplyError{Service: service, Method: method, Want: typesOf(out, true), Got: typesOf(body, false)}
	if len(body) != len(out) {
		return wrong
	}
	for i := range out {
		if !fits(reflect.ValueOf(body[i]), reflect.TypeOf(out[i]).Elem()) {
			return wrong
		}
	}
	if err := dbus.Store(body, out...); err != nil {
		return fmt.Errorf("%w (%w)", wrong, err)
	}
	return nil
}

var (
	variantType = reflect.TypeFor[dbus.Variant]()
	structType  = reflect.TypeFor[[]any]()
)

// fits reports whether a decoded value is of exactly the D-Bus type that want
// stands for. godbus decodes a struct as []any and takes a Go struct for it.
func fits(got reflect.Value, want reflect.Type) bool {
	if !got.IsValid() {
		return false
	}
	if got.Kind() == reflect.Interface {
		return fits(got.Elem(), want)
	}
	if want == variantType || want.Kind() != reflect.Struct {
		switch want.Kind() {
		case reflect.Slice:
			return sliceFits(got, want)
		case reflect.Map:
			return mapFits(got, want)
		}
		return got.Type() == want
	}
	if got.Type() != structType || got.Len() != want.NumField() {
		return false
	}
	for i := range want.NumField() {
		if !fits(got.Index(i), want.Field(i).Type) {
			return false
		}
	}
	return true
}

func sliceFits(got reflect.Value, want reflect.Type) bool {
	if got.Type() == want {
		return true
	}
	if got.Type() != decodedAs(want) {
		return false
	}
	for i := range got.Len() {
		if !fits(got.Index(i), want.Elem()) {
			return false
		}
	}
	return true
}

func mapFits(got reflect.Value, want reflect.Type) bool {
	if got.Type() == want {
		return true
	}
	if got.Type() != decodedAs(want) {
		return false
	}
	for it := got.MapRange(); it.Next(); {
		if !fits(it.Value(), want.Elem()) {
			return false
		}
	}
	return true
}

// decodedAs is the type that godbus decodes a D-Bus type as, so that nothing is
// not taken for none of another thing. Of an empty array of structs it does not
// tell what their fields would be.
func decodedAs(want reflect.Type) reflect.Type {
	switch {
	case want == variantType:
		return want
	case want.Kind() == reflect.Struct:
		return structType
	case want.Kind() == reflect.Slice:
		return reflect.SliceOf(decodedAs(want.Elem()))
	case want.Kind() == reflect.Map:
		return reflect.MapOf(want.Key(), decodedAs(want.Elem()))
	}
	return want
}

// typesOf names the types of values, or of what they point to.
func typesOf(values []any, pointers bool) string {
	names := make([]string, len(values))
	for i, v := range values {
		t := reflect.TypeOf(v)
		if pointers {
			t = t.Elem()
		}
		names[i] = fmt.Sprint(t)
	}
	return clean("(" + strings.Join(names, ", ") + ")")
}
