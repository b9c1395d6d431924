package apptest

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// keys are shared by all GitHubs of a process: making one takes a tenth of a second. No two Apps of a GitHub have the same.
//
//nolint:gochecknoglobals // nobody changes a key
var keys struct {
	sync.Mutex
	made []*rsa.PrivateKey
}

// newKey is a key that this GitHub has given to nobody yet.
func (g *GitHub) newKey() (*rsa.PrivateKey, error) {
	n := int(g.keys.Add(1)) - 1
	keys.Lock()
	defer keys.Unlock()
	for len(keys.made) <= n {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		keys.made = append(keys.made, key)
	}
	return keys.made[n], nil
}
