#!/bin/sh
# Makes what three rehearsal nodes need before their first start: keystore passphrases, database
# passwords and, with a private test authority, TLS certificates for servers and partners' nodes.
# Usage: prepare.sh DIR     (as root, so that the files can belong to the containers' accounts)
# Never for production: there, certificates come from each ministry's own authority.
set -eu
umask 077

home=${1:?usage: prepare.sh DIR}
if [ -e "$home/ca.key" ]; then
    echo "$home is prepared already; remove it to begin again" >&2
    exit 1
fi
mkdir -p "$home"
chmod 755 "$home"

random() {
    openssl rand -base64 33
}

# An authority for the rehearsal. All three trust the same one here; real ministries list each
# partner's authority in partners-ca.pem.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 90 \
    -subj "/CN=Comity rehearsal authority" -keyout "$home/ca.key" -out "$home/ca.pem" 2>/dev/null

certificate() { # folder name purpose file
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj "/CN=$2" \
        -keyout "$1/$4.key" -out "$1/$4.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,DNS:localhost\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' \
        "$2" "$3" >"$1/$4.ext"
    openssl x509 -req -in "$1/$4.csr" -CA "$home/ca.pem" -CAkey "$home/ca.key" -CAcreateserial \
        -days 90 -extfile "$1/$4.ext" -out "$1/$4.pem" 2>/dev/null
    rm "$1/$4.csr" "$1/$4.ext"
}

for pair in us:us-treasury uk:uk-fcdo ca:ca-gac; do
    short=${pair%%:*}
    ministry=${pair#*:}
    folder=$home/$ministry
    mkdir -p "$folder/tls"
    chmod 755 "$folder" "$folder/tls"
    random >"$folder/keystore-passphrase"
    password=$(openssl rand -hex 24)
    printf '%s' "$password" >"$folder/database-password"
    printf '%s-database:5432:comity:comity:%s\n' "$short" "$password" >"$folder/pgpass"
    certificate "$folder/tls" "comity.$ministry.example" serverAuth server
    certificate "$folder/tls" "comity.$ministry.example" clientAuth client
    cp "$home/ca.pem" "$folder/tls/partners-ca.pem"
    chmod 644 "$folder"/tls/*.pem
    if [ "$(id -u)" = 0 ]; then
        # The accounts inside the containers: node 10001, PostgreSQL 999, proxy 101.
        chown 10001 "$folder/keystore-passphrase" "$folder/pgpass" "$folder/tls/client.key"
        chown 999 "$folder/database-password"
        chown 101 "$folder/tls/server.key"
    else
        echo "not root: give the files in $folder to the containers' accounts yourself" >&2
    fi
done
echo "prepared $home"
