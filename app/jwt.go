package app

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/golang-jwt/jwt/v4"
)

// The times of an App's JWT: GitHub takes no more than 10 minutes, and forgives clocks that drift a little.
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
const (
	jwtBackdate = 30 * time.Second
	jwtLifetime = 9 * time.Minute
	jwtReuse    = 5 * time.Minute
)

// signer makes the App's JWTs for ghinstallation, whose own claims know neither client IDs nor GitHub's clock.
type signer struct {
	issuer string // App ID or client ID
	keys   *keyring
	clock  *clock

	mu   sync.Mutex
	last signature
}

// signature is a JWT with what it was made of. It is used for a while, because GitHub's ETags differ from one to the next.
type signature struct {
	jwt  string
	key  *rsa.PrivateKey
	skew time.Duration
	made time.Time
}

// Sign ignores the claims that ghinstallation made and signs better ones.
func (s *signer) Sign(jwt.Claims) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := signature{key: s.keys.current(), skew: s.clock.skew(), made: time.Now().Round(0)} // by the wall: a suspended host ages too
	if s.last.key == now.key && s.last.skew == now.skew && now.made.Sub(s.last.made) < jwtReuse {
		return s.last.jwt, nil
	}
	var err error
	if now.jwt, err = s.sign(now.key); err != nil {
		return "", err
	}
	s.last = now
	return now.jwt, nil
}

func (s *signer) sign(key *rsa.PrivateKey) (string, error) {
	issued := s.clock.now().Add(-jwtBackdate)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    s.issuer,
		IssuedAt:  jwt.NewNumericDate(issued),
		ExpiresAt: jwt.NewNumericDate(issued.Add(jwtLifetime)),
	}).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign as the App: %w", err)
	}
	return signed, nil
}

// appTransport authenticates as the App.
type appTransport struct {
	inner *ghinstallation.AppsTransport
	next  *door
}

func newAppTransport(next *door, s *signer) (appTransport, error) {
	inner, err := ghinstallation.NewAppsTransportWithOptions(next, 0, ghinstallation.WithSigner(s))
	return appTransport{inner, next}, err
}

// RoundTrip hands a copy on: ghinstallation writes into the request it is given, and adds a second Accept.
func (t appTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Accept")
	return t.inner.RoundTrip(req)
}

// CloseIdleConnections is for http.Client's.
func (t appTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }
