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
for tool in staticcheck govulncheck; do
	if command -v $tool >/dev/null 2>&1; then
		echo "$tool ./..."
		$tool ./...
	else
		echo "skipped: $tool is not installed"
	fi
done
