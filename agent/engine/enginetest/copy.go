package enginetest

import (
	"fmt"
	"reflect"
	"time"
)

// clone is a copy of v that shares nothing with it: what a disk would give back,
// without the time that an encoding takes. It panics on what a disk could not
// hold, which is a fault of the test.
func clone[T any](v T) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	cloneInto(out, reflect.ValueOf(&v).Elem())
	return out.Interface().(T)
}

var timeType = reflect.TypeFor[time.Time]()

func cloneInto(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			cloneInto(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		reflect.Copy(to, from)
		if flat(from.Type().Elem()) {
			return
		}
		for i := range from.Len() {
			cloneInto(to.Index(i), from.Index(i))
		}
	case reflect.Struct:
		to.Set(from)
		if flat(from.Type()) {
			return
		}
		for i := range from.NumField() {
			if !flat(from.Field(i).Type()) {
				cloneInto(to.Field(i), from.Field(i))
			}
		}
	default:
		if !flat(from.Type()) {
			panic(fmt.Sprintf("enginetest: a record holds a %s, which it cannot keep", from.Type()))
		}
		to.Set(from)
	}
}

// flat reports whether an assignment copies all of a value.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	case reflect.Struct:
		if t == timeType {
			return true
		}
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
	case reflect.Array:
		return flat(t.Elem())
	}
	return true
}
