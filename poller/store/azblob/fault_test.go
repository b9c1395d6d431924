package azblob_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestConditionsByCode: Azure and its emulator say the same by different codes.
func TestConditionsByCode(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, http.HandlerFunc){
		"412":                     objects.Answer(412, "ConditionNotMet"),
		"412 without a code":      objects.Answer(412, ""),
		"409 that says it exists": objects.Answer(409, "BlobAlreadyExists"),
		"404 on If-Match":         objects.Answer(404, "BlobNotFound"),
	} {
		s, server := open(t, &objects.Bucket{})
		version, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
		if err != nil {
			t.Fatal(err)
		}
		server.FirstPuts(1, answer)
		if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: error %v, want a conflict", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request, http.HandlerFunc)
		want   string
	}{
		"container gone":  {objects.Answer(404, "ContainerNotFound"), "azblob://account/container is not there: make the container"},
		"no role":         {objects.Answer(403, "AuthorizationPermissionMismatch"), "Storage Blob Data Contributor on the container, also where they have Owner; a new role counts after up to 10 minutes"},
		"native lease":    {objects.Answer(412, "LeaseIdMissing"), "under a lease of Azure's own"},
		"immutable":       {objects.Answer(409, "BlobImmutableDueToPolicy"), "forbids to replace blobs"},
		"too large":       {objects.Answer(413, "RequestBodyTooLarge"), "takes no blob of that size"},
		"clocks":          {objects.Answer(403, "AuthenticationFailed", "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), "differ by -"},
		"wrong key":       {objects.Answer(403, "AuthenticationFailed"), "does not take the credentials of AZURE_STORAGE_KEY"},
		"an unknown code": {objects.Answer(400, "TheMoonIsFull"), "refuses (400 TheMoonIsFull)"},
	} {
		s, server := open(t, &objects.Bucket{})
		server.FirstPuts(2, test.answer)
		_, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]azblob.Location{
		"azblob://acme/state":                                                    {Account: "acme", Container: "state", Endpoint: "https://acme.blob.core.windows.net"},
		"azblob://acme/state/a/b/":                                               {Account: "acme", Container: "state", Prefix: "a/b", Endpoint: "https://acme.blob.core.windows.net"},
		"azblob://acme/state/a?endpoint=http://127.0.0.1:10000":                  {Account: "acme", Container: "state", Prefix: "a", Endpoint: "http://127.0.0.1:10000/acme"},
		"azblob://acme/state/a?endpoint=http://127.0.0.1:10000/acme/":            {Account: "acme", Container: "state", Prefix: "a", Endpoint: "http://127.0.0.1:10000/acme"},
		"azblob://acme/state/a?endpoint=https://acme.blob.core.chinacloudapi.cn": {Account: "acme", Container: "state", Prefix: "a", Endpoint: "https://acme.blob.core.chinacloudapi.cn"},
	} {
		if got, err := azblob.Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"azblob://acme":                    "is not azblob://ACCOUNT/CONTAINER/PREFIX",
		"azblob://acme:key@acme/c":         "is not azblob://ACCOUNT/CONTAINER/PREFIX",
		"azblob://acme/c?region=x":         `not "region"`,
		"azblob://acme/c?endpoint=ftp://x": "the endpoint is not",
	} {
		if _, err := azblob.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
