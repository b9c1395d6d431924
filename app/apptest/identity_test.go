package apptest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/bittrance/kitops/app/apptest"
)

func TestAppJWTIsVerified(t *testing.T) {
	s := newScene(t, apptest.Options{AnonymousRateLimit: 1000})
	key, err := jwt.ParseRSAPrivateKeyFromPEM(s.app.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	if pkcs8, err := jwt.ParseRSAPrivateKeyFromPEM(s.app.PrivateKeyPKCS8()); err != nil || !pkcs8.Equal(key) {
		t.Errorf("PKCS#8 holds another key: %v", err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Now().Unix()
	cases := map[string]struct {
		key    *rsa.PrivateKey
		claims jwt.MapClaims
		status int
		words  string
	}{
		"id as a string":    {key, jwt.MapClaims{"iss": itoa(s.app.ID), "iat": now, "exp": now + 120}, 200, "kit-ops"},
		"id as a number":    {key, jwt.MapClaims{"iss": s.app.ID, "iat": now, "exp": now + 120}, 200, "kit-ops"},
		"client id":         {key, jwt.MapClaims{"iss": s.app.ClientID, "iat": now - 60, "exp": now + 500}, 200, "kit-ops"},
		"clock 30 s ahead":  {key, jwt.MapClaims{"iss": s.app.ID, "iat": now + 30, "exp": now + 120}, 200, "kit-ops"},
		"wrong key":         {stranger, jwt.MapClaims{"iss": s.app.ID, "iat": now, "exp": now + 120}, 401, "could not be decoded"},
		"unknown App":       {key, jwt.MapClaims{"iss": 1, "iat": now, "exp": now + 120}, 404, "Integration not found"},
		"no issuer":         {key, jwt.MapClaims{"iat": now, "exp": now + 120}, 404, "Integration not found"},
		"11 minutes":        {key, jwt.MapClaims{"iss": s.app.ID, "iat": now, "exp": now + 700}, 401, "too far in the future"},
		"expired":           {key, jwt.MapClaims{"iss": s.app.ID, "iat": now - 300, "exp": now - 1}, 401, "('exp') must be"},
		"no exp":            {key, jwt.MapClaims{"iss": s.app.ID, "iat": now}, 401, "('exp') must be"},
		"fractional exp":    {key, jwt.MapClaims{"iss": s.app.ID, "iat": now, "exp": float64(now) + 100.5}, 401, "('exp') must be"},
		"clock 120 s ahead": {key, jwt.MapClaims{"iss": s.app.ID, "iat": now + 120, "exp": now + 180}, 401, "('iat') must be"},
		"no iat":            {key, jwt.MapClaims{"iss": s.app.ID, "exp": now + 120}, 401, "('iat') must be"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, c.claims).SignedString(c.key)
			if err != nil {
				t.Fatal(err)
			}
			s.ask("GET", "/app", signed, "").want(t, c.status, c.words)
		})
	}
	hs256, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": s.app.ID, "iat": now, "exp": now + 60}).SignedString([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	s.ask("GET", "/app", hs256, "").want(t, 401, "could not be decoded")
	s.ask("GET", "/app", "", "").want(t, 401, "could not be decoded")
	s.ask("GET", "/app", s.installation.Token(nil), "").want(t, 401, "could not be decoded")
	s.ask("GET", "/app", "ghs_invented", "").want(t, 401, "Bad credentials")
}

func TestClockSkewShowsInDateAndRefusesJWTs(t *testing.T) {
	s := newScene(t, apptest.Options{})
	if _, _, err := s.asApp().Apps.Get(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, skew := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		s.Advance(skew)
		_, resp, err := s.asApp().Apps.Get(t.Context(), "")
		if status(err) != 401 {
			t.Errorf("at %v: got %v, want 401", skew, err)
		}
		date, err := time.Parse(time.RFC1123, resp.Header.Get("Date"))
		if err != nil || (time.Until(date)-skew).Abs() > 5*time.Minute {
			t.Errorf("at %v: Date %v, %v", skew, date, err)
		}
		s.Advance(-skew)
	}
}

func TestRotatedAndDeletedAppsAreRefused(t *testing.T) {
	s := newScene(t, apptest.Options{})
	old := s.asApp()
	s.app.RotateKey()
	if _, _, err := old.Apps.Get(t.Context(), ""); status(err) != 401 {
		t.Errorf("old key: %v", err)
	}
	if _, _, err := s.asApp().Apps.Get(t.Context(), ""); err != nil {
		t.Errorf("new key: %v", err)
	}
	token := s.installation.Token(nil)
	s.app.Delete()
	if _, _, err := s.asApp().Apps.Get(t.Context(), ""); status(err) != 404 {
		t.Errorf("deleted App: %v", err)
	}
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 401, "Bad credentials")
}
