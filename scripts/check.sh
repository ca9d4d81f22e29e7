#!/bin/sh
# Formatting, vet, house rules and the generated reference; staticcheck and
# govulncheck join in where they are installed.
set -eu
cd "$(dirname "$0")/.."
bad=$(gofmt -l $(git ls-files '*.go'))
[ -z "$bad" ] || { echo "gofmt would change:"; echo "$bad"; exit 1; }
go vet ./...
go test -count=1 ./test/arch ./appliance/xapi
for arch in amd64 arm64; do CGO_ENABLED=0 GOARCH=$arch go build -o /dev/null ./cmd/sallyport; done
# staticcheck comes through the module proxy at a fixed version; govulncheck
# needs its database and runs where that can be reached.
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
if (cd / && go version -m "$(go env GOPATH)/bin/staticcheck") >/dev/null 2>&1 || (cd / && go install $staticcheck) >/dev/null 2>&1; then
	echo "staticcheck ./..."
	"$(go env GOPATH)/bin/staticcheck" ./...
else
	echo "skipped: staticcheck could not be installed"
fi
if command -v govulncheck >/dev/null 2>&1; then
	govulncheck ./...
else
	echo "skipped: govulncheck is not installed"
fi
