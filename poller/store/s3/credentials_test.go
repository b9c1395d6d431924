package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/s3"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// giver stands for ECS, STS and the metadata service of EC2: a key for whoever asks as they want to be asked, a new one each time.
type giver struct {
	*httptest.Server
	mu    sync.Mutex
	given int
	lives time.Duration
}

func newGiver(t *testing.T) *giver {
	t.Helper()
	g := &giver{lives: time.Hour}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *giver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	const role = "/latest/meta-data/iam/security-credentials/"
	switch {
	case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut:
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, "imds-token")
	case r.URL.Path == role && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "imds-token":
		fmt.Fprint(w, "kitops-role")
	case r.URL.Path == role+"kitops-role" && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "imds-token",
		r.URL.Path == "/ecs" && r.Header.Get("Authorization") == "ecs-token":
		g.given++
		fmt.Fprintf(w, `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"K%d","SecretAccessKey":"s","Token":"t","Expiration":%q}`, g.given, time.Now().Add(g.lives).UTC().Format(time.RFC3339))
	case r.URL.Path == "/sts" && strings.Contains(string(body), "WebIdentityToken=pod-token") && strings.Contains(string(body), "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fkitops"):
		g.given++
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>K%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, g.given, time.Now().Add(g.lives).UTC().Format(time.RFC3339))
	default:
		http.Error(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>", http.StatusForbidden)
	}
}

// guarded is a bucket that takes one access key, and says to any other that it has expired.
func guarded(t *testing.T, b *objects.Bucket) (url string, take func(key string)) {
	t.Helper()
	server := b.S3(t)
	var mu sync.Mutex
	taken := "K1"
	server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		mu.Lock()
		key := taken
		mu.Unlock()
		if strings.Contains(r.Header.Get("Authorization"), "Credential="+key+"/") {
			serve(w, r)
		} else {
			objects.Answer(http.StatusBadRequest, "ExpiredToken")(w, r, serve)
		}
	})
	return "s3://bucket/team?region=eu-north-1&endpoint=" + server.URL, func(key string) {
		mu.Lock()
		defer mu.Unlock()
		taken = key
	}
}

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCredentials come from each of the five places, and are asked for anew when the server says that they have ended.
func TestCredentials(t *testing.T) {
	for name, vars := range map[string]func(t *testing.T, g *giver, dir string) env{
		"ECS": func(_ *testing.T, g *giver, _ string) env {
			return env{"AWS_CONTAINER_CREDENTIALS_FULL_URI": g.URL + "/ecs", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ecs-token"}
		},
		"EKS Pod Identity": func(t *testing.T, g *giver, dir string) env {
			t.Helper()
			return env{"AWS_CONTAINER_CREDENTIALS_FULL_URI": g.URL + "/ecs", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file(t, dir, "token", "ecs-token")}
		},
		"IRSA": func(t *testing.T, g *giver, dir string) env {
			t.Helper()
			return env{"AWS_WEB_IDENTITY_TOKEN_FILE": file(t, dir, "token", "pod-token\n"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/kitops", "AWS_ENDPOINT_URL_STS": g.URL + "/sts"}
		},
		"IMDS": func(_ *testing.T, g *giver, _ string) env { return env{"AWS_EC2_METADATA_SERVICE_ENDPOINT": g.URL} },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGiver(t)
			url, take := guarded(t, &objects.Bucket{})
			s := storeAt(t, url, vars(t, g, t.TempDir()))
			version, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
			if err != nil {
				t.Fatal(err)
			}
			take("K2")
			if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); err != nil {
				t.Fatalf("after the credentials have ended: %v", err)
			}
			if g.given != 2 {
				t.Errorf("%d times credentials were asked for, want 2", g.given)
			}
		})
	}
}

// TestProfileThatChanges: a file that somebody rewrites under a running agent counts at once.
func TestProfileThatChanges(t *testing.T) {
	dir := t.TempDir()
	url, take := guarded(t, &objects.Bucket{})
	path := file(t, dir, "credentials", "[default]\naws_access_key_id = wrong\naws_secret_access_key = s\n\n[ci]\naws_access_key_id = K1\naws_secret_access_key = s # rotated\n")
	config := file(t, dir, "config", "[default]\nregion = eu-north-1\n[profile ci]\ns3 =\n  addressing_style = path\nregion = eu-west-1\n")
	vars := env{"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_CONFIG_FILE": config, "AWS_PROFILE": "ci"}
	if region := s3.NewCredentials(vars.get, "", bucket.Client()).Region(); region != "eu-west-1" {
		t.Errorf("region %q", region)
	}
	s := storeAt(t, url, vars)
	version, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
	if err != nil {
		t.Fatal(err)
	}
	take("K2")
	file(t, dir, "credentials", "[ci]\naws_access_key_id=K2\naws_secret_access_key=s\n")
	if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); err != nil {
		t.Fatal(err)
	}
}

// TestCredentialsThatCannotBeHad say why, and what to do. No program is started for them.
func TestCredentialsThatCannotBeHad(t *testing.T) {
	dir := t.TempDir()
	g := newGiver(t)
	process := file(t, dir, "process", "[default]\ncredential_process = touch "+filepath.Join(dir, "started")+"\n")
	for name, test := range map[string]struct {
		vars env
		want string
	}{
		"a program":       {env{"AWS_SHARED_CREDENTIALS_FILE": process}, "credential_process, which kitops does not follow"},
		"no such profile": {env{"AWS_PROFILE": "cj"}, "credentials of profile cj: it is neither in"},
		"foreign agent":   {env{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/ecs"}, "nor an agent of ECS or EKS"},
		"refused role": {
			env{"AWS_WEB_IDENTITY_TOKEN_FILE": process, "AWS_ROLE_ARN": "arn:x", "AWS_ENDPOINT_URL_STS": g.URL + "/sts"},
			"does not give the role arn:x: 403 AccessDenied Not authorized",
		},
		"no metadata":  {env{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}, "hop limit to 2, or use --network host"},
		"switched off": {env{"AWS_EC2_METADATA_DISABLED": "true"}, "AWS_EC2_METADATA_DISABLED is set"},
	} {
		url, _ := guarded(t, &objects.Bucket{})
		_, err := storeAt(t, url, test.vars).Get(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
		t.Error("a program was started")
	}
}
