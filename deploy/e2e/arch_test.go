package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestWorldIsTheSameOnEveryProcessor runs the tests that pin the world's and
// the devices' bytes as built for other processors: compilers fuse
// multiplications and additions on some of them, and one differing bit would
// make two agents disagree on what a device said.
func TestWorldIsTheSameOnEveryProcessor(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for other processors")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the pinned digests are checked natively here; the others need Linux on amd64")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	emulator, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		t.Fatal("qemu-aarch64 is missing: install qemu-user (make install does, where it may)")
	}
	for _, c := range []struct {
		name string
		env  []string
		run  []string
	}{
		{"amd64 v1", []string{"GOARCH=amd64", "GOAMD64=v1"}, nil},
		{"amd64 v3", []string{"GOARCH=amd64", "GOAMD64=v3"}, nil},
		{"arm64", []string{"GOARCH=arm64"}, []string{emulator}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasSuffix(c.name, "v3") && !hasV3(t) {
				t.Skip("this processor cannot run GOAMD64=v3")
			}
			for _, pkg := range []string{"world", "device"} {
				binary := filepath.Join(t.TempDir(), pkg+".test")
				build := exec.Command("go", "test", "-c", "-o", binary, "./gantry-agent/"+pkg)
				build.Dir = root
				build.Env = append(append(os.Environ(), "CGO_ENABLED=0"), c.env...)
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("build %s: %v\n%s", pkg, err, out)
				}
				args := append(append([]string{}, c.run...), binary, "-test.run=^TestDigest$", "-test.v")
				run := exec.Command(args[0], args[1:]...)
				run.Dir = filepath.Join(root, "gantry-agent", pkg)
				out, err := run.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "--- PASS: TestDigest") {
					t.Errorf("%s: %v\n%s", pkg, err, out)
				}
			}
		})
	}
}

// hasV3 says whether this processor has what GOAMD64=v3 asks for.
func hasV3(t *testing.T) bool {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"avx2", "bmi2", "fma", "movbe"} {
		if !strings.Contains(string(info), " "+flag+" ") {
			return false
		}
	}
	return true
}
