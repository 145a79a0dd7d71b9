"""Command lines whose requests have to be the same from docker and from skiff.

Words are split as a shell does. `{folder}` is a folder made for the test: `env`, `labels`, `seccomp.json` are in it.
"""

CREATE = """
create busybox
create busybox sh -c "echo hi"
create -it busybox
create -i busybox
create -t busybox
create -a stdout busybox
create -a stdin -a stderr busybox
create --attach stdout --attach stdin -i busybox
create --name web --hostname h --domainname d.example -u 1000:1000 -w /srv busybox ls -l
create -e A=b -e C --env D= --env-file {folder}/env busybox
create -l a=b --label c --label-file {folder}/labels busybox
create --entrypoint /bin/sh busybox -c true
create --entrypoint= busybox
create -p 80 busybox
create -p 8080:80 -p 8443:443/tcp -p 53:53/udp busybox
create -p 127.0.0.1:8080:80 -p 127.0.0.1::81 busybox
create -p [::1]:8080:80 busybox
create -p 8000-8002:9000-9002 busybox
create -p 8000-8005:80 busybox
create -p 7000-7001 busybox
create -p published=8080,target=80,protocol=udp busybox
create -P --expose 1000-1002 --expose 53/udp busybox
create -p8080:80 busybox
create -v /a:/b -v /c:/d:ro -v vol:/e -v /anonymous busybox
create -v ./rel:/b -v ../up:/c:ro busybox
create --volume /a:/b:z,ro --volumes-from x --volumes-from y:ro --volume-driver local busybox
create --mount type=bind,src=/a,dst=/b,readonly busybox
create --mount type=bind,source=./rel,target=/b,bind-propagation=rslave busybox
create --mount type=bind,source=/a,target=/b,bind-recursive=disabled busybox
create --mount type=bind,source=/a,target=/b,bind-recursive=writable,readonly busybox
create --mount type=volume,src=v,dst=/b,volume-nocopy,volume-label=a=b,volume-label=c busybox
create --mount type=volume,dst=/b,volume-driver=nfs,volume-opt=type=nfs,volume-opt=device=:/x busybox
create --mount type=volume,dst=/b,volume-subpath=s,consistency=cached busybox
create --mount type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1770 busybox
create --mount "type=bind,\\"src=/a,b\\",dst=/b" busybox
create --mount type=image,src=busybox,dst=/b,image-subpath=s busybox
create --mount target=/b busybox
create --tmpfs /tmp --tmpfs /run:rw,size=10m busybox
create --read-only --shm-size 128m --storage-opt size=10G busybox
create --network none busybox
create --network host busybox
create --network bridge busybox
create --net foo busybox
create --network container:x busybox
create --network foo --network-alias a --net-alias b --ip 10.0.0.5 --ip6 fd00::5 busybox
create --network foo --link-local-ip 169.254.1.1 --mac-address 92:d0:c6:0a:29:33 busybox
create --network name=foo,alias=a,alias=b,ip=10.0.0.5,driver-opt=x=y,gw-priority=5 busybox
create --network foo --network name=bar,ip6=fd00::9 busybox
create --network foo --link x:y busybox
create --link x:y --link z busybox
create --mac-address 92:d0:c6:0a:29:33 busybox
create --ip 172.17.0.9 busybox
create --dns 1.1.1.1 --dns 2606:4700::1111 --dns-option ndots:2 --dns-opt timeout:1 --dns-search example.com busybox
create --dns-search . busybox
create --add-host a:1.2.3.4 --add-host b=::1 --add-host c:host-gateway --add-host d=[::2] busybox
create -m 512m --memory-swap 1g --memory-reservation 256m --memory-swappiness 10 busybox
create -m 1.5g --memory-swap -1 busybox
create --memory=512MB --shm-size=64MiB busybox
create --cpus 1.5 -c 512 --cpuset-cpus 0-1 --cpuset-mems 0 busybox
create --cpu-period 50000 --cpu-quota 25000 --cpu-rt-period 100 --cpu-rt-runtime 50 busybox
create --cpu-count 2 --cpu-percent 50 --io-maxbandwidth 1m --io-maxiops 5 busybox
create --pids-limit 100 --oom-kill-disable --oom-score-adj -500 busybox
create --pids-limit -1 --oom-kill-disable=false busybox
create --blkio-weight 300 --blkio-weight-device /dev/sda:200 busybox
create --device-read-bps /dev/sda:10mb --device-write-bps /dev/sda:1m busybox
create --device-read-iops /dev/sda:1000 --device-write-iops /dev/sda:500 busybox
create --ulimit nofile=1024:2048 --ulimit nproc=5 --ulimit core=-1 busybox
create --device-cgroup-rule "c 1:3 mr" --device-cgroup-rule "b *:* rwm" busybox
create --cap-add net_admin --cap-add SYS_TIME --cap-drop ALL busybox
create --cap-add all --cap-drop CAP_CHOWN --cap-drop chown busybox
create --privileged --init --pid host --ipc host --uts host --userns host --cgroupns host busybox
create --pid container:x --ipc container:y --cgroupns private --init=false busybox
create --ipc shareable --cgroup-parent /x --runtime crun --isolation default busybox
create --security-opt no-new-privileges --security-opt apparmor=unconfined busybox
create --security-opt seccomp=unconfined --security-opt label=disable busybox
create --security-opt seccomp={folder}/seccomp.json busybox
create --security-opt systempaths=unconfined busybox
create --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=1000 busybox
create --group-add audio --group-add 1001 busybox
create --annotation a=b --annotation c=d busybox
create --restart always busybox
create --restart on-failure:5 busybox
create --restart unless-stopped --stop-signal SIGQUIT --stop-timeout 30 busybox
create --log-driver local --log-opt max-size=10m --log-opt max-file=3 busybox
create --log-driver none busybox
create --health-cmd "curl -f localhost" --health-interval 30s --health-retries 3 busybox
create --health-timeout 1m30s --health-start-period 5s --health-start-interval 500ms busybox
create --no-healthcheck busybox
create --platform linux/amd64 --pull never busybox
create --rm busybox
create -h host -lx=y -eA=b -w/srv busybox ls
create --init -it --rm --name=x busybox sh
create busybox -- --flag
create -- busybox -x
create --disable-content-trust busybox
create --cidfile {folder}/cid busybox
create --quiet busybox
create sha256:aeff873f894a6e807d7a207b1ccdfe6e1fa98e82187666e80c0b7871790e3dfe
create localhost:5000/team/app:1.2@sha256:aeff873f894a6e807d7a207b1ccdfe6e1fa98e82187666e80c0b7871790e3dfe
"""

RUN = """
run --rm busybox true
run busybox true
run -i busybox cat
run -a stdout busybox true
run -a stderr busybox true
run --detach-keys ctrl-a,a busybox true
run --sig-proxy=false --name x busybox true
run --memory 512m --cpus 0.5 nginx
run -d -p 8080:80 --memory 256m nginx
"""

OTHER = """
start a
start a b
start -a a
stop a b
stop -t 5 a
stop --time 5 a
stop -s INT -t -1 a
restart -t 3 a
restart -s HUP a
kill a
kill -s HUP a b
rm a
rm -f -v a b
rm -l a/b
pause a b
unpause a
rename a b
wait a
wait a b
ps
ps -a
ps -q
ps -l
ps -n 3
ps -s
ps -aq --no-trunc
ps --filter status=running --filter label=a=b --filter status=paused
ps --format "{{.Size}}"
ps --format "{{.ID}}"
container ls -a
logs a
logs -f --tail 10 -t a
logs --since 2026-01-02T03:04:05Z --until 2026-01-02T03:04:06.5Z --details a
logs --since 1700000000 a
logs --since 1700000000.5 a
logs -n 5 a
top a
top a -o pid,cmd
top a aux
port a
inspect --type container a
inspect --type container --size a
inspect --type image a
inspect --type image team/app:1
inspect --type network a
container inspect a
image inspect a
network inspect a b
network inspect -v a
network ls
network ls --filter driver=bridge -q
network create foo
network create -d macvlan -o parent=eth0 -o x -o a=b=c --label a=b --label c --internal --attachable --ipv6 foo
network create --ipv4=false --ipv6=false --scope local --ingress foo
network create --subnet 10.1.0.0/16 --gateway 10.1.0.1 --ip-range 10.1.1.0/24 --aux-address a=10.1.0.5 foo
network create --subnet 10.1.0.0/16,fd00::/64 --gateway fd00::1 --aux-address b=fd00::5 --aux-address a=10.1.0.5 foo
network create --config-only --subnet 10.1.0.5/16 foo
network create --config-from foo --ipam-driver d --ipam-opt k=v --ipam-opt l bar
network create --subnet x --driver= foo
network create --subnet= foo
network rm a b
network rm -f a
network remove a
network prune -f
network prune --force --filter until=24h --filter label!=x --filter label=a=b
network connect n c
network connect --ip 10.0.0.5 --ip6 fd00::5 --alias a --alias b,c --link x:y --link z n c
network connect --link-local-ip 169.254.1.1,fe80::1 --driver-opt a=b,c=D --driver-opt "E = F" --gw-priority -5 n c
network connect --ip x --alias= n c
network disconnect n c
network disconnect -f n c
volume create
volume create vol
volume create --name vol
volume create -d local --label a=b --label c -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=5 vol
volume create --driver= --opt x vol
volume inspect a b
volume ls
volume ls --filter dangling=true --filter name=x -q
volume rm a b
volume rm -f a
volume remove a
volume prune -f
volume prune -af --filter label!=x
volume update vol
images
images -a
images -q --filter dangling=true
images busybox
images team/app:1
history a
history --no-trunc team/app:1
tag a b
tag a b:c
tag localhost:5000/a:1 localhost:5000/b
rmi a
rmi -f --no-prune a b
rmi team/app:1 localhost:5000/x
save a
save a b:c
version
info
events --since 1700000000 --until 1700000001
events --filter type=container --since 0 --until 1
exec a true
exec -e A=b -e C --env-file {folder}/env -u 1000:1000 -w /srv a ls -l
exec -d a sleep 1
exec -i a cat
exec --privileged --detach-keys ctrl-a a true
exec a sh -c "exit 3"
attach --no-stdin a
attach a
"""


def lines(text):
    return [line for line in text.strip().splitlines() if line]
