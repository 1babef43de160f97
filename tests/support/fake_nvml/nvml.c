/* A stand-in for NVIDIA's management library (libnvidia-ml.so.1), driven by the environment.
 *
 * FAKE_NVML_DRIVER   driver version, "550.54.14"
 * FAKE_NVML_CUDA     CUDA driver version as NVML counts it, 12040 for 12.4
 * FAKE_NVML_DEVICES  "name|compute capability" of each device, with ";" between them: "NVIDIA H100|9.0;Tesla T4|7.5".
 *                    A third part says that MIG mode is on, and how many MIG devices there are: "NVIDIA H100|9.0|7".
 *                    A fourth is the device's PCI id, in hex: "Tesla K80|3.7|0|102d".
 * FAKE_NVML_ERROR    "function=code" with ";" between them: that function returns that nvmlReturn_t.
 *                    "nvmlDeviceGetHandleByIndex_v2@1=15": only for the device with the index 1
 * FAKE_NVML_CRASH    a function that ends the process with SIGABRT
 * FAKE_NVML_HANG     a function that never returns
 * FAKE_NVML_LIE      "function=lie" for one function, which then does one of these and goes on:
 *                    "exit" ends the process with exit code 0, "stop" stops it, "close" closes every descriptor,
 *                    "talk" prints 100,000 lines that look like a report, "fork" leaves a process behind that holds
 *                    every descriptor, "spin" takes all of a processor for good, "ignore" ignores every signal and hangs
 * FAKE_NVML_COUNT    the number of devices that it says there are, whatever it lists
 *
 * Functions, codes and the layout of nvmlPciInfo_t are those of NVIDIA's NVML API reference
 * (docs.nvidia.com/deploy/nvml-api).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
};

#define MAX_DEVICES 16
#define MAX_MIG 8

typedef struct {
    char name[96];
    int major;
    int minor;
    unsigned int mig; /* number of MIG devices; 0 where MIG mode is off */
    unsigned int pci;
    int is_mig;
} device_t;

typedef struct {
    char busIdLegacy[16];
    unsigned int domain;
    unsigned int bus;
    unsigned int device;
    unsigned int pciDeviceId;
    unsigned int pciSubSystemId;
    char busId[32];
} pci_info_t;

static device_t devices[MAX_DEVICES];
static device_t mig_devices[MAX_DEVICES][MAX_MIG];
static unsigned int count;
static int initialized;

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

/* Misbehave in the way that a function is told to. */
static void lie(const char *function) {
    const char *told = setting("FAKE_NVML_LIE", "");
    size_t length = strlen(function);
    if (strncmp(told, function, length) != 0 || told[length] != '=') {
        return;
    }
    told += length + 1;
    if (strcmp(told, "exit") == 0) {
        exit(0);
    } else if (strcmp(told, "stop") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(told, "close") == 0) {
        for (int i = 0; i < 256; i++) {
            close(i);
        }
    } else if (strcmp(told, "talk") == 0) {
        for (int i = 0; i < 100000; i++) {
            puts("{\"driver\": \"1.1\", \"cuda\": 99000, \"done\": true}");
        }
        fflush(stdout);
    } else if (strcmp(told, "fork") == 0) {
        if (fork() == 0) {
            sleep(300);
            _exit(0);
        }
    } else if (strcmp(told, "spin") == 0) {
        for (;;) {
        }
    } else if (strcmp(told, "ignore") == 0) {
        for (int i = 1; i < 32; i++) {
            signal(i, SIG_IGN);
        }
        sleep(300);
    }
}

/* What a function is told to return, or SUCCESS. A function that is told to hang does not come back. */
static int told(const char *function) {
    size_t length = strlen(function);
    const char *at = setting("FAKE_NVML_ERROR", "");
    lie(function);
    while (strcmp(setting("FAKE_NVML_HANG", ""), function) == 0) {
        sleep(60);
    }
    if (strcmp(setting("FAKE_NVML_CRASH", ""), function) == 0) {
        abort();
    }
    while (*at != '\0') {
        if (strncmp(at, function, length) == 0 && at[length] == '=') {
            return atoi(at + length + 1);
        }
        at += strcspn(at, ";");
        at += *at == ';';
    }
    return SUCCESS;
}

#define BEGIN(function)               \
    do {                              \
        int code = told(function);    \
        if (code != SUCCESS) {        \
            return code;              \
        }                             \
        if (!initialized) {           \
            return UNINITIALIZED;     \
        }                             \
    } while (0)

static int copy_text(char *to, unsigned int size, const char *text) {
    if (to == NULL) {
        return INVALID_ARGUMENT;
    }
    if (strlen(text) + 1 > size) {
        return INSUFFICIENT_SIZE;
    }
    strcpy(to, text);
    return SUCCESS;
}

static void read_devices(void) {
    const char *at = setting("FAKE_NVML_DEVICES", "");
    count = 0;
    while (*at != '\0' && count < MAX_DEVICES) {
        device_t *device = &devices[count];
        memset(device, 0, sizeof *device);
        device->pci = 0x20b2;
        if (sscanf(at, "%95[^|;]|%d.%d|%u|%x", device->name, &device->major, &device->minor, &device->mig,
                   &device->pci) < 3) {
            fprintf(stderr, "fake nvml: FAKE_NVML_DEVICES is not of the form name|8.0: %s\n", at);
            abort();
        }
        for (unsigned int i = 0; i < device->mig && i < MAX_MIG; i++) {
            mig_devices[count][i] = *device;
            mig_devices[count][i].mig = 0;
            mig_devices[count][i].is_mig = 1;
            strncat(mig_devices[count][i].name, " MIG", sizeof device->name - strlen(device->name) - 1);
        }
        count++;
        at += strcspn(at, ";");
        at += *at == ';';
    }
}

static int initialize(const char *function) {
    int code = told(function);
    if (code != SUCCESS) {
        return code;
    }
    read_devices();
    initialized++;
    return SUCCESS;
}

EXPORT int nvmlInit_v2(void) {
    return initialize("nvmlInit_v2");
}

EXPORT int nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    return initialize("nvmlInitWithFlags");
}

EXPORT int nvmlShutdown(void) {
    BEGIN("nvmlShutdown");
    initialized--;
    return SUCCESS;
}

EXPORT const char *nvmlErrorString(int code) {
    static char text[64];
    snprintf(text, sizeof text, "fake NVML error %d", code);
    return text;
}

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    BEGIN("nvmlSystemGetDriverVersion");
    return copy_text(version, length, setting("FAKE_NVML_DRIVER", "550.54.14"));
}

static int cuda_driver_version(int *version) {
    if (version == NULL) {
        return INVALID_ARGUMENT;
    }
    *version = atoi(setting("FAKE_NVML_CUDA", "12040"));
    return SUCCESS;
}

EXPORT int nvmlSystemGetCudaDriverVersion(int *version) {
    BEGIN("nvmlSystemGetCudaDriverVersion");
    return cuda_driver_version(version);
}

EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    BEGIN("nvmlSystemGetCudaDriverVersion_v2");
    return cuda_driver_version(version);
}

EXPORT int nvmlDeviceGetCount_v2(unsigned int *number) {
    BEGIN("nvmlDeviceGetCount_v2");
    if (number == NULL) {
        return INVALID_ARGUMENT;
    }
    *number = (unsigned int)strtoul(setting("FAKE_NVML_COUNT", "0"), NULL, 10);
    if (*number == 0) {
        *number = count;
    }
    return SUCCESS;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, device_t **device) {
    char of_device[64];
    BEGIN("nvmlDeviceGetHandleByIndex_v2");
    if (device == NULL || index >= count) {
        return INVALID_ARGUMENT;
    }
    *device = &devices[index];
    snprintf(of_device, sizeof of_device, "nvmlDeviceGetHandleByIndex_v2@%u", index);
    return told(of_device);
}

EXPORT int nvmlDeviceGetName(device_t *device, char *name, unsigned int length) {
    BEGIN("nvmlDeviceGetName");
    return device == NULL ? INVALID_ARGUMENT : copy_text(name, length, device->name);
}

EXPORT int nvmlDeviceGetCudaComputeCapability(device_t *device, int *major, int *minor) {
    BEGIN("nvmlDeviceGetCudaComputeCapability");
    if (device == NULL || major == NULL || minor == NULL) {
        return INVALID_ARGUMENT;
    }
    *major = device->major;
    *minor = device->minor;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetMigMode(device_t *device, unsigned int *current, unsigned int *pending) {
    BEGIN("nvmlDeviceGetMigMode");
    if (device == NULL || current == NULL || pending == NULL) {
        return INVALID_ARGUMENT;
    }
    if (device->major < 8 || device->is_mig) { /* MIG came with the A100 */
        return NOT_SUPPORTED;
    }
    *current = *pending = device->mig > 0;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(device_t *device, unsigned int *number) {
    BEGIN("nvmlDeviceGetMaxMigDeviceCount");
    if (device == NULL || number == NULL) {
        return INVALID_ARGUMENT;
    }
    *number = device->major < 8 || device->is_mig ? 0 : 7;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(device_t *device, unsigned int index, device_t **mig) {
    BEGIN("nvmlDeviceGetMigDeviceHandleByIndex");
    if (device == NULL || mig == NULL || device->is_mig || index >= MAX_MIG) {
        return INVALID_ARGUMENT;
    }
    if (index >= device->mig) {
        return NOT_FOUND;
    }
    *mig = &mig_devices[device - devices][index];
    return SUCCESS;
}

EXPORT int nvmlDeviceGetPciInfo_v3(device_t *device, pci_info_t *info) {
    unsigned int bus;
    BEGIN("nvmlDeviceGetPciInfo_v3");
    if (device == NULL || info == NULL || device->is_mig) {
        return INVALID_ARGUMENT;
    }
    memset(info, 0, sizeof *info);
    bus = 0x41 + (unsigned int)(device - devices);
    info->bus = bus;
    info->pciDeviceId = device->pci << 16 | 0x10deu; /* the device's id above, NVIDIA's below */
    snprintf(info->busIdLegacy, sizeof info->busIdLegacy, "0000:%02X:00.0", bus);
    snprintf(info->busId, sizeof info->busId, "00000000:%02X:00.0", bus);
    return SUCCESS;
}
