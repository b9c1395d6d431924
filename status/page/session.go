package page

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/files"
)

const (
	idleLimit    = 12 * time.Hour
	ageLimit     = 7 * 24 * time.Hour
	codeLimit    = 5 * time.Minute
	visibleLimit = 15 * time.Minute // how long what GitHub said of a user is believed
	maxSessions  = 1000
	maxOfUser    = 20 // sessions of one user of GitHub
	maxCodes     = 100
	maxFile      = 64 << 20
	saveEvery    = time.Minute // how often it is written that a session is in use
)

// session is one browser that has logged in.
type session struct {
	Name  string      `json:"name"` // in orders
	Made  time.Time   `json:"made"`
	Used  time.Time   `json:"used"`
	User  *app.Person `json:"user,omitempty"` // nil: it acts as the local user
	Asked time.Time   `json:"asked,omitzero"` // when GitHub said what he reaches

	key string
}

// fresh tells whether what it may see is known.
func (s session) fresh(now time.Time) bool { return s.User == nil || now.Sub(s.Asked) < visibleLimit }

func (s session) over(now time.Time) bool {
	return now.Sub(s.Used) > idleLimit || now.Sub(s.Made) > ageLimit || now.Before(s.Made.Add(-time.Minute))
}

// sessions are those that are logged in, and the codes of those who may. What is on disk is nobody's password:
// only the digests of what browsers keep.
type sessions struct {
	path string // "": they end with the process

	mu    sync.Mutex
	all   map[string]session   // by the digest of what the browser keeps
	codes map[string]code      // by the digest of the code
	saved map[string]time.Time // Used as it was written last
}

type code struct {
	name  string
	until time.Time
}

// openSessions reads those that are known. A file that does not read is an error, with no sessions.
func openSessions(path string) (*sessions, error) {
	s := &sessions{path: path, all: map[string]session{}, codes: map[string]code{}, saved: map[string]time.Time{}}
	if path == "" {
		return s, nil
	}
	data, err := files.ReadRegular(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s.all)
	}
	if err != nil || s.all == nil {
		s.all = map[string]session{}
	}
	return s, err
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// invite makes a code that logs in once as the local user of that name.
func (s *sessions) invite(name string, now time.Time) (string, time.Time) {
	secret, until := rand.Text(), now.Add(codeLimit)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.codes, func(_ string, c code) bool { return now.After(c.until) })
	if len(s.codes) >= maxCodes {
		clear(s.codes)
	}
	s.codes[digest(secret)] = code{name, until}
	return secret, until
}

// redeem trades a code for a session, once. The error is that of begin.
func (s *sessions) redeem(secret string, now time.Time) (token string, ok bool, err error) {
	key := digest(secret)
	s.mu.Lock()
	c, ok := s.codes[key]
	delete(s.codes, key)
	s.mu.Unlock()
	if !ok || now.After(c.until) {
		return "", false, nil
	}
	token, err = s.begin(session{Name: c.name}, now)
	return token, true, err
}

// begin makes a session, and returns what the browser is to keep. With an error it is good as well, but ends with the process.
func (s *sessions) begin(one session, now time.Time) (token string, err error) {
	token = rand.Text() + rand.Text()
	one.Made, one.Used = now, now
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(_ string, one session) bool { return one.over(now) })
	maps.DeleteFunc(s.saved, func(key string, _ time.Time) bool { _, known := s.all[key]; return !known })
	if one.User != nil {
		s.thin(maxOfUser, func(other session) bool { return other.User != nil && other.User.ID == one.User.ID })
	}
	s.thin(maxSessions, func(session) bool { return true })
	s.all[digest(token)] = one
	return token, s.save()
}

// thin makes room for one more of so many sessions of a kind: those go that were not used for longest. The caller holds mu.
func (s *sessions) thin(most int, kind func(session) bool) {
	var keys []string
	for key, one := range s.all {
		if kind(one) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(s.all[a].Used.Compare(s.all[b].Used), cmp.Compare(a, b))
	})
	for _, key := range keys[:max(len(keys)-most+1, 0)] {
		delete(s.all, key)
	}
}

// of is the session of a browser, which is in use by that.
func (s *sessions) of(token string, now time.Time) (session, bool) {
	key := digest(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	one, known := s.all[key]
	if !known || one.over(now) {
		delete(s.all, key)
		return session{}, false
	}
	one.Used, one.key = now, key
	s.all[key] = one
	if now.Sub(s.saved[key]) > saveEvery {
		s.saved[key] = now
		_ = s.save() // else it is over earlier, after a restart
	}
	return one, true
}

// end logs a browser out.
func (s *sessions) end(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
	return s.save()
}

// endAll logs everybody out, and takes back what was not used yet.
func (s *sessions) endAll() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.all)
	clear(s.all)
	clear(s.codes)
	return n, s.save()
}

func (s *sessions) save() error {
	if s.path == "" {
		return nil
	}
	data, err := json.Marshal(s.all)
	if err == nil {
		err = files.Replace(s.path, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the sessions of the page: %w", err)
	}
	return nil
}
