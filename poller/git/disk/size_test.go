package disk

import (
	"testing"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]string{"4GB": "4GB", "1024": "1KB", "1500 mb": "1500MB", "4g": "4GB", "77B": "77B", "2TB": "2TB", "1024G": "1TB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%s: %s, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "B", "0", "-1GB", "4.5GB", "4PB", "99999999999999TB", "x"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
