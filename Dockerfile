# Two images out of one build, each a single static program and nothing that could be run beside it:
#   docker build --target operator -t proget-operator:0.1.0 .
#   docker build --target sidecar  -t proget-sidecar:0.1.0 .
# scripts/image.sh does both without a daemon. Why it is built this way: docs/image.md.
ARG BASE=docker.io/library/debian:bookworm-slim
# That of CMakeLists.txt; the build stops where they differ.
ARG VERSION=0.1.0
# What files and images are dated with, in seconds since 1970, so that the same sources give the same bytes.
ARG SOURCE_DATE_EPOCH=0

FROM ${BASE} AS build
# curl and libmicrohttpd come as Debian's sources with Debian's security patches: the packaged static libraries were
# built with LDAP, Kerberos, SSH, RTMP and a second TLS library, none of which has a place in these programs.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    find /etc/apt -name '*.list' -exec sed -i -E 's/^deb( .*)$/&\ndeb-src\1/' {} +; \
    find /etc/apt -name '*.sources' -exec sed -i -E 's/^Types: *deb *$/Types: deb deb-src/' {} +; \
    apt-get update; \
    apt-get install -y --no-install-recommends ca-certificates cmake dpkg-dev gcc libc6-dev make ninja-build \
        pkg-config libjson-c-dev libyaml-dev libssl-dev libnghttp2-dev libc-ares-dev uthash-dev; \
    mkdir /dependencies; \
    cd /dependencies; \
    apt-get -o APT::Sandbox::User=root source curl libmicrohttpd; \
    rm -rf /var/lib/apt/lists/*

# Host names are resolved by c-ares: glibc's resolver is not whole in a static program, and c-ares needs no thread.
# The function sections let the linker leave out what is not called.
ENV CFLAGS="-O2 -fPIE -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections" \
    CPPFLAGS="-D_FORTIFY_SOURCE=2" \
    PKG_CONFIG_PATH=/opt/static/lib/pkgconfig
RUN set -eu; \
    cd /dependencies/curl-*/; \
    ./configure --prefix=/opt/static --disable-shared --enable-static --disable-dependency-tracking \
        --with-openssl --with-nghttp2 --enable-ares \
        --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
        --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-libgsasl \
        --without-librtmp --without-libssh --without-libssh2 \
        --disable-dict --disable-file --disable-ftp --disable-gopher --disable-imap --disable-ldap --disable-ldaps \
        --disable-mqtt --disable-pop3 --disable-rtsp --disable-smb --disable-smtp --disable-telnet --disable-tftp \
        --disable-alt-svc --disable-cookies --disable-doh --disable-hsts --disable-libcurl-option --disable-manual \
        --disable-netrc --disable-ntlm --disable-tls-srp --disable-unix-sockets; \
    make -j"$(nproc)" -C lib install; \
    make -C include install; \
    make install-pkgconfigDATA; \
    cd /dependencies/libmicrohttpd-*/; \
    ./configure --prefix=/opt/static --disable-shared --enable-static --disable-dependency-tracking \
        --enable-epoll=yes --disable-https --disable-bauth --disable-dauth --disable-httpupgrade \
        --disable-postprocessor --disable-curl --disable-doc --disable-examples --disable-nls; \
    make -j"$(nproc)" -C src/microhttpd install; \
    make -C src/include install; \
    make install-pkgconfigDATA

COPY . /source
ARG VERSION
ARG SOURCE_DATE_EPOCH
# Each /image/NAME becomes that image's file system. A program that still wanted a shared library, or that does not run,
# stops the build here.
RUN set -eu; \
    grep -qF "project(proget-operator VERSION $VERSION " /source/CMakeLists.txt || \
        { echo "CMakeLists.txt names another version than the build argument VERSION=$VERSION" >&2; exit 1; }; \
    cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPROGET_STATIC=ON -DPROGET_TESTS=OFF \
        -DCMAKE_C_FLAGS="$CFLAGS -ffile-prefix-map=/source=." -DCMAKE_EXE_LINKER_FLAGS=-Wl,--gc-sections; \
    cmake --build /build --target proget-operator proget-sidecar; \
    for name in operator sidecar; do \
        program=/image/$name/proget-$name; \
        install -D -s -m 0755 "/build/$name/proget-$name" "$program"; \
        if readelf -lWd "$program" | grep -E 'NEEDED|INTERP'; then echo "$program is not static" >&2; exit 1; fi; \
        "$program" --version; \
        cd "/image/$name"; \
        install -D -m 0644 /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ca-certificates.crt; \
        echo 'proget:x:65532:65532::/:/' >etc/passwd; \
        echo 'proget:x:65532:' >etc/group; \
        echo 'hosts: files dns' >etc/nsswitch.conf; \
        install -D -m 0644 /source/LICENSE licenses/LICENSE; \
        install -m 0644 /usr/share/common-licenses/LGPL-2.1 licenses/LGPL-2.1; \
        for package in libc6-dev libgcc-s1 libssl-dev libnghttp2-dev libc-ares-dev libjson-c-dev libyaml-dev \
            uthash-dev ca-certificates; do \
            install -m 0644 "/usr/share/doc/$package/copyright" "licenses/$package"; \
        done; \
        install -m 0644 /dependencies/curl-*/debian/copyright licenses/curl; \
    done; \
    install -m 0644 /dependencies/libmicrohttpd-*/debian/copyright /image/operator/licenses/libmicrohttpd; \
    find /image -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# So that the second image can be made without the gigabyte that the build takes.
FROM scratch AS programs
COPY --from=build /image /image

FROM scratch AS operator
ARG VERSION
LABEL org.opencontainers.image.title="proget-operator" \
      org.opencontainers.image.description="Watches ProGet clusters on Kubernetes and flags what is wrong" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=programs /image/operator /
# By number: runAsNonRoot cannot tell what a name stands for.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/proget-operator"]

FROM scratch AS sidecar
ARG VERSION
LABEL org.opencontainers.image.title="proget-sidecar" \
      org.opencontainers.image.description="Reports a ProGet server's heartbeat from inside its pod" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=programs /image/sidecar /
USER 65532:65532
ENTRYPOINT ["/proget-sidecar"]
