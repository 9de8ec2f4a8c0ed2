/* tests/package/consumer.cc - a C++ program outside: built against the installed library alone. */
#include <ck_filter/ck_filter.h>

#include <cstdio>
#include <thread>

namespace
{

struct message {
    int number;
    double weight;
};

bool meet(ckf_variant variant)
{
    ckf_channel_options options = {};
    options.name = "meeting";
    options.variant = variant;
    options.elem_size = sizeof(message);
    ckf_channel *channel = nullptr;
    if (ckf_channel_create(&channel, &options) != CKF_OK)
        return false;
    std::thread sender([channel] {
        message sent = {7, 0.5};
        if (ckf_channel_send(channel, &sent) == CKF_OK)
            ckf_channel_close(channel);
    });
    message received = {};
    bool met = ckf_channel_recv(channel, &received) == CKF_OK && received.number == 7 &&
               ckf_channel_recv(channel, nullptr) == CKF_CLOSED;
    sender.join();
    ckf_channel_destroy(channel);
    return met;
}

bool default_is_taken()
{
    size_t chosen = 9;
    ckf_select_case none = {nullptr, CKF_RECV, nullptr, CKF_OK};
    return ckf_select(&none, 1, &chosen, CKF_NOW, nullptr) == CKF_AGAIN && chosen == 1;
}

} // namespace

int main()
{
    if (!meet(CKF_VARIANT_ATOMIC) || !meet(CKF_VARIANT_MUTEX) || !default_is_taken())
        return 1;
    std::puts("consumer is content");
    return 0;
}
