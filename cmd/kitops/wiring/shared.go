package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/s3"
)

// testTTL names the variable by which tests have shorter leases than are safe.
const testTTL = settings.VariablePrefix + "TEST_LEASE_TTL"

// sharedStore is a bucket or a container that instances share.
type sharedStore struct {
	place   string // its URL
	process Process
	objects bucket.Objects
	inspect func(ctx context.Context, prefix string) []bucket.Finding
	prefix  string
	writer  string
	terms   lease.Terms
	unsafe  bool // the terms are those of a test
	log     *slog.Logger
}

// openShared asks nothing yet: its errors are mistakes in the settings.
func openShared(s settings.Settings, p Process) (*sharedStore, error) {
	shared := &sharedStore{place: s.Poller.State, process: p, writer: p.Agent, log: slog.New(slog.DiscardHandler)}
	endpoint, err := shared.open(bucket.Client())
	if err != nil {
		return nil, err
	}
	if shared.terms, err = s.Poller.LeaseTerms(s.LongestGrace()); err != nil {
		return nil, err
	}
	if test := p.Getenv(testTTL); test != "" {
		shared.unsafe = true
		shared.terms, err = shortTerms(test, endpoint)
	}
	return shared, err
}

// open asks nothing yet.
func (s *sharedStore) open(client *http.Client) (endpoint string, err error) {
	switch scheme, _, _ := strings.Cut(s.place, ":"); scheme {
	case "s3":
		location, err := s3.Parse(s.place)
		if err != nil {
			return "", err
		}
		b := s3.New(location, s3.NewCredentials(s.process.Getenv, s.process.Home, client), client)
		s.objects, s.inspect = b, b.Inspect
		s.prefix, endpoint = location.Prefix, location.Endpoint
	case "azblob":
		location, err := azblob.Parse(s.place)
		if err != nil {
			return "", err
		}
		c := azblob.New(location, azblob.NewCredentials(s.process.Getenv, client))
		s.objects, s.inspect = c, c.Inspect
		s.prefix, endpoint = location.Prefix, location.Endpoint
	default:
		return "", fmt.Errorf("%q is none of file:PATH, s3://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER/PREFIX", s.place)
	}
	return endpoint, nil
}

// racer is the same bucket by connections of its own, until leave is called.
func (s *sharedStore) racer() (_ bucket.Objects, leave func(), err error) {
	client := bucket.Client()
	other := &sharedStore{place: s.place, process: s.process}
	if _, err := other.open(client); err != nil {
		return nil, nil, err
	}
	return other.objects, client.CloseIdleConnections, nil
}

// shortTerms are those of a test, which has its store on this host.
func shortTerms(text, endpoint string) (lease.Terms, error) {
	ttl, err := time.ParseDuration(text)
	if err != nil {
		return lease.Terms{}, fmt.Errorf("%s: %w", testTTL, err)
	}
	if u, err := url.Parse(endpoint); err != nil || !hosts.Loopback(u.Hostname()) {
		return lease.Terms{}, errors.New(testTTL + " is for tests, whose endpoint is on this host")
	}
	terms, err := lease.ShortTerms(ttl)
	if err != nil {
		return terms, fmt.Errorf("%s: %w", testTTL, err)
	}
	return terms, nil
}

// root is the store of all folders.
func (s *sharedStore) root() *bucket.Store {
	return bucket.New(s.objects, bucket.Options{Folder: s.prefix, Writer: s.writer, Log: s.log, Timeout: s.terms.Timeout})
}

// in returns the documents in a folder.
func (s *sharedStore) in(folder string) *bucket.Store { return s.root().Sub(folder) }
