# Targets are short; what needs more than a line or two stands in scripts/.
GO      ?= go
LISTEN  ?=
FUZZ    ?= 60s
BOARD   ?= pc-x86_64
OUT     ?= build/sallyport-$(BOARD).img
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
export CGO_ENABLED ?= 0

.PHONY: help run test check race fuzz bench build docs image update flash qemu prove

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

run: ## start the lab: edge, core, a stub UC world and two softphones (LISTEN=address opens edge to a real phone)
	$(GO) run ./cmd/lab $(if $(LISTEN),-listen $(LISTEN))

test: ## everything: house rules, units, stories, real peers in network namespaces
	sh scripts/setup.sh
	$(GO) vet ./...
	$(GO) test -count=1 -timeout 20m ./...

check: ## formatting, vet, house rules, generated reference; staticcheck and govulncheck where installed
	sh scripts/check.sh

race: ## every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 25m ./...

fuzz: ## each fuzz target for FUZZ (60s)
	sh scripts/fuzz.sh $(FUZZ)

bench: ## ratios against Kamailio and rtpengine, written to test/bench/RESULTS.md
	@sh scripts/setup.sh bench
	$(GO) run ./test/bench

build: ## static binaries for amd64 and arm64 in build/
	GOARCH=amd64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/sallyport-amd64 ./cmd/sallyport
	GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/sallyport-arm64 ./cmd/sallyport

docs: ## write appliance/xapi/reference.md anew from the table
	$(GO) test ./appliance/xapi -run Reference -update

image: ## a disk image for BOARD (pc-x86_64, pc-arm64, rpi4, rpi5) in OUT: .img, .img.zst, .qcow2, .vmdk or .ova; FIRST=file of first-boot answers, KEY=release key
	@mkdir -p $(dir $(OUT))
	@sh scripts/inputs.sh
	@$(GO) run ./cmd/mkimage -board $(BOARD) -out $(OUT) $(if $(FIRST),-first $(FIRST)) $(if $(KEY),-key $(KEY))

update: ## a signed update for running boxes of BOARD
	@mkdir -p build
	@sh scripts/inputs.sh
	@$(GO) run ./cmd/mkimage update -board $(BOARD) -out build/sallyport-$(BOARD).update $(if $(KEY),-key $(KEY))

flash: ## write the image OUT to DISK=/dev/..., after a question, and read it back
	@$(GO) run ./cmd/mkimage flash -disk $(DISK) $(OUT)

qemu: ## boot the image OUT in QEMU, the serial shell on this terminal (make image first)
	@sh scripts/qemu.sh $(BOARD) $(OUT)

prove: ## all of test/boot, hours, or only PART="amd64 arm64 trouble-amd64 trouble-arm64 cuts-amd64 cuts-arm64 boxes namespaces pi"; writes test/boot/RESULTS.md
	@GO=$(GO) sh scripts/prove.sh $(PART)
