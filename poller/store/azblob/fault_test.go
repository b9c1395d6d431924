package azblob_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestConditionsByCode: Azure and its emulator say the same by different codes.
func TestConditionsByCode(t *testing.T) {
	objects.Conflicts(t, open, map[string]objects.Disturbance{
		"412":                     objects.Answer(412, "ConditionNotMet"),
		"412 without a code":      objects.Answer(412, ""),
		"409 that says it exists": objects.Answer(409, "BlobAlreadyExists"),
		"404 on If-Match":         objects.Answer(404, "BlobNotFound"),
	})
}

func TestRefusals(t *testing.T) {
	objects.Refusals(t, open, 2, map[string]objects.Refusal{
		"container gone":  {Answer: objects.Answer(404, "ContainerNotFound"), Want: "azblob://account/container is not there: make the container"},
		"no role":         {Answer: objects.Answer(403, "AuthorizationPermissionMismatch"), Want: "Storage Blob Data Contributor on the container, also where they have Owner; a new role counts after up to 10 minutes"},
		"native lease":    {Answer: objects.Answer(412, "LeaseIdMissing"), Want: "under a lease of Azure's own"},
		"immutable":       {Answer: objects.Answer(409, "BlobImmutableDueToPolicy"), Want: "forbids to replace blobs"},
		"too large":       {Answer: objects.Answer(413, "RequestBodyTooLarge"), Want: "takes no blob of that size"},
		"clocks":          {Answer: objects.Answer(403, "AuthenticationFailed", "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), Want: "differ by -"},
		"wrong key":       {Answer: objects.Answer(403, "AuthenticationFailed"), Want: "does not take the credentials of AZURE_STORAGE_KEY"},
		"an unknown code": {Answer: objects.Answer(400, "TheMoonIsFull"), Want: "refuses (400 TheMoonIsFull)"},
	})
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
