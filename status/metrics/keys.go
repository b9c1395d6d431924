package metrics

import (
	"time"

	"github.com/bittrance/kitops/status"
)

// maxKeys is how many keys of a task are told: those that end first.
const maxKeys = 20

// KeyEnd is when a key ends whose signature counts.
type KeyEnd struct {
	Signer, Key string // whose it is, and its fingerprint
	At          time.Time
}

// keys are those of the tasks that have an end. The caller does not hold mu.
func (m *Metrics) keys(watched []string) map[string][]KeyEnd {
	all := map[string][]KeyEnd{}
	if m.from.KeyEnds == nil {
		return all
	}
	for _, name := range watched {
		if ends := m.from.KeyEnds(name); len(ends) > 0 {
			all[name] = ends[:min(len(ends), maxKeys)]
		}
	}
	return all
}

func writeKeys(t *text, watched []string, keys map[string][]KeyEnd) {
	if len(keys) == 0 {
		return
	}
	t.family(gauge, "verify_key_expires_timestamp_seconds", "When a key ends whose signature counts, in seconds since 1970.")
	for _, name := range watched {
		for _, key := range keys[name] {
			t.sample(float64(key.At.Unix()), label{"task", name}, label{"signer", status.Printable(key.Signer)}, label{"key", key.Key})
		}
	}
}
