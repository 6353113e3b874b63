package bag

import (
	"fmt"
	"testing"
)

func TestNameSet(t *testing.T) {
	s := newNameSet(0)
	const many = 5000
	for i := range many {
		if !s.put(fmt.Sprintf("IMG_%d.jpg", i)) {
			t.Fatal(i, "was taken")
		}
	}
	if s.put("img_7.JPG") || s.len() != many {
		t.Error("a twin by case is another name")
	}
	if taken, exactly := s.has("IMG_7.jpg"); !taken || exactly {
		t.Error(taken, exactly)
	}
	if taken, exactly := s.has("img_7.JPG"); !taken || !exactly {
		t.Error(taken, exactly)
	}
	for i := range many {
		name := fmt.Sprintf("IMG_%d.jpg", i)
		if i%2 == 0 && !s.remove(name) {
			t.Fatal(name, "was not there")
		}
		if taken, _ := s.has(name); taken != (i%2 == 1) {
			t.Fatal(name, taken)
		}
	}
	for i := range many {
		s.put(fmt.Sprintf("new %d", i))
	}
	if s.remove("never") || s.len() != many/2+many {
		t.Error(s.len())
	}
	if len(s.slots) > 4*2*s.len() {
		t.Errorf("%d slots for %d names", len(s.slots), s.len())
	}
}

func TestFoldIsTheSameForTwins(t *testing.T) {
	for _, twins := range [][2]string{{"A.JPG", "a.jpg"}, {"é", "e\u0301"}, {"Straße", "STRASSE"}, {"plain", "PLAIN"}} {
		if fold(twins[0]) != fold(twins[1]) {
			t.Errorf("%q and %q", twins[0], twins[1])
		}
	}
	if fold("a~2.jpg") == fold("a.jpg") {
		t.Error("versions are twins")
	}
}
