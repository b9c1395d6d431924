//go:build stores

package s3_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/s3"
	"github.com/bittrance/kitops/poller/store/storetest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestServers runs the suite and the probe on the versitygw that KITOPS_VERSITYGW names.
func TestServers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bucket"), 0o700); err != nil {
		t.Fatal(err)
	}
	server := objects.Start(t, func(host, port string) []string {
		return []string{os.Getenv("KITOPS_VERSITYGW"), "--port", host + ":" + port, "posix", dir}
	}, "ROOT_ACCESS_KEY=kitops", "ROOT_SECRET_KEY=kitops-secret")
	at := "s3://bucket?region=us-east-1&endpoint=http://" + server
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return bucket.New(realBucket(t, at), bucket.Options{Folder: folderOf(t), Writer: "kitops/test"})
	})
	for range 10 {
		racers := make([]bucket.Objects, bucket.Racers)
		for i := range racers {
			racers[i] = realBucket(t, at)
		}
		if unclean, err := bucket.Probe(t.Context(), racers, folderOf(t)); err != nil || unclean != nil {
			t.Fatal(err, unclean)
		}
	}
	for _, found := range realBucket(t, at).Inspect(t.Context(), folderOf(t)) {
		if found.Remedy != "" {
			t.Errorf("doctor would warn of it: %s", found.Text)
		}
	}
}

func folderOf(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(url.PathEscape(t.Name()), "%", "=")
}

func realBucket(t *testing.T, at string) *s3.Bucket {
	t.Helper()
	location, err := s3.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	client := bucket.Client()
	t.Cleanup(client.CloseIdleConnections)
	return s3.New(location, s3.NewCredentials(env{"AWS_ACCESS_KEY_ID": "kitops", "AWS_SECRET_ACCESS_KEY": "kitops-secret"}.get, "", client), client)
}
