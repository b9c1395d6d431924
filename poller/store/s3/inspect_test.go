package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/s3"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestInspect: each setting of a bucket that costs or hinders is told with a remedy, what may not be asked without one, and a server
// that knows no such settings has none.
func TestInspect(t *testing.T) {
	const versioned = `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`
	rule := func(inside string) string {
		return "<LifecycleConfiguration><Rule><Status>Enabled</Status>" + inside + "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>"
	}
	lock := `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>7</Days></DefaultRetention></Rule></ObjectLockConfiguration>`
	for name, test := range map[string]struct {
		answers map[string]string // by the query; a word is the code of an error
		server  string
		warn    string // empty: nothing
		say     string
	}{
		"nothing known":            {say: "credentials of the store: AWS_ACCESS_KEY_ID"},
		"no versions":              {answers: map[string]string{"versioning": "<VersioningConfiguration/>"}, say: "keeps no versions"},
		"versions":                 {answers: map[string]string{"versioning": versioned, "lifecycle": "NoSuchLifecycleConfiguration"}, warn: "keeps every version"},
		"versions that end":        {answers: map[string]string{"versioning": versioned, "lifecycle": rule("<Filter><Prefix>team/</Prefix></Filter>")}, say: "which a lifecycle rule ends"},
		"versions of others end":   {answers: map[string]string{"versioning": versioned, "lifecycle": rule("<Filter><Prefix>other/</Prefix></Filter>")}, warn: "keeps every version"},
		"some versions end":        {answers: map[string]string{"versioning": versioned, "lifecycle": rule("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>")}, warn: "keeps every version"},
		"an older rule":            {answers: map[string]string{"versioning": versioned, "lifecycle": rule("<Prefix></Prefix>")}, say: "which a lifecycle rule ends"},
		"may not ask":              {answers: map[string]string{"versioning": "AccessDenied"}, say: "does not allow s3:GetBucketVersioning"},
		"may not ask for rules":    {answers: map[string]string{"versioning": versioned, "lifecycle": "AccessDenied"}, say: "does not allow s3:GetLifecycleConfiguration"},
		"a lock":                   {answers: map[string]string{"object-lock": lock}, warn: "has an Object Lock"},
		"a lock without retention": {answers: map[string]string{"object-lock": `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>`}},
		"no lock":                  {answers: map[string]string{"object-lock": "ObjectLockConfigurationNotFoundError"}},
		"SeaweedFS":                {server: "SeaweedFS 3.80", warn: "seaweedfs issue 8800"},
		"RustFS":                   {server: "RustFS", warn: "rustfs issue 1659"},
		"versitygw":                {server: "VERSITYGW"},
		"Amazon":                   {server: "AmazonS3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := new(objects.Bucket).S3(t)
			server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
				w.Header().Set("Server", test.server)
				for query, answer := range test.answers {
					if !r.URL.Query().Has(query) {
						continue
					}
					if !strings.HasPrefix(answer, "<") {
						objects.Answer(http.StatusForbidden, answer)(w, r, serve)
						return
					}
					w.Header().Set("Content-Type", "application/xml")
					fmt.Fprint(w, answer)
					return
				}
				serve(w, r)
			})
			location, err := s3.Parse("s3://bucket/team?region=eu-north-1&endpoint=" + server.URL)
			if err != nil {
				t.Fatal(err)
			}
			client := bucket.Client()
			defer client.CloseIdleConnections()
			keys := env{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}
			warned, said := "", ""
			for _, found := range s3.New(location, s3.NewCredentials(keys.get, "", client), client).Inspect(t.Context(), location.Prefix) {
				if found.Remedy != "" {
					warned += found.Text + "\n"
				}
				said += found.Text + "\n"
			}
			if !strings.Contains(warned, test.warn) || (test.warn == "") != (warned == "") || !strings.Contains(said, test.say) {
				t.Errorf("warned %q, want %q; said %q, want %q", warned, test.warn, said, test.say)
			}
		})
	}
}
