#ifndef SKIFF_CLINUX_H
#define SKIFF_CLINUX_H

/* Prototypes and plain integers only: a system header here would leak _GNU_SOURCE differences into Glibc's
   module. One header per concern; add yours below. */
#include "clinux_base.h"
#include "clinux_bpf.h"
#include "clinux_memory.h"
#include "clinux_files.h"
#include "clinux_network.h"
#include "clinux_epoll.h"
#include "clinux_init.h"
#include "clinux_socket.h"
#include "clinux_inotify.h"
#include "clinux_spawn.h"
#include "clinux_mount.h"
#include "clinux_process.h"
#include "clinux_quota.h"
#include "clinux_tree.h"
#include "clinux_signals.h"

#endif
