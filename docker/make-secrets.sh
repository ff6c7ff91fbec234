#!/bin/sh
# Makes docker/secrets for compose.yaml: passwords that nobody has to know. What is there already stays.
set -eu
cd "$(dirname "$0")"
# The folder keeps other users of this machine out. The files can be read by the apps' user in the containers, and written by their
# owner: KPay's keys are put into them later, and may be changed while the apps run.
mkdir -p secrets && chmod 700 secrets && cd secrets
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in postgres-password app-password redis-password admin-token keys-secret grafana-password; do
  [ -s "$name" ] || random >"$name"
done
[ -s database-url ] || printf 'postgres://kpay_app:%s@postgres:5432/kpay' "$(cat app-password)" >database-url
[ -s database-owner-url ] || printf 'postgres://kpay:%s@postgres:5432/kpay' "$(cat postgres-password)" >database-owner-url
[ -s redis-url ] || printf 'redis://:%s@redis:6379' "$(cat redis-password)" >redis-url
for name in kpay-api-key kpay-secret-key; do
  [ -s "$name" ] || { : >"$name"; echo "put KPay's key into docker/secrets/$name" >&2; }
done
chmod 644 ./*
