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
	if got.Kind() != reflect.Slice || got.Type() == structType || !holdsStructs(want.Elem()) {
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
	if got.Kind() != reflect.Map || got.Type().Key() != want.Key() || !holdsStructs(want.Elem()) {
		return false
	}
	for it := got.MapRange(); it.Next(); {
		if !fits(it.Value(), want.Elem()) {
			return false
		}
	}
	return true
}

// holdsStructs reports whether a type contains Go structs, so that the decoded
// type differs from it and each element must be looked at.
func holdsStructs(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return t != variantType
	case reflect.Slice, reflect.Map:
		return holdsStructs(t.Elem())
	}
	return false
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
