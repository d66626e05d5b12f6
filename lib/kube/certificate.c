#include "certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}
static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}
static void key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
#define cleanup_bio  __attribute__((cleanup(bio_cleanup)))
#define cleanup_x509 __attribute__((cleanup(x509_cleanup)))
#define cleanup_key  __attribute__((cleanup(key_cleanup)))

static BIO *bio_over(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, (int) strnlen(text, BOUND_SMALL_FILE));
    if (!bio) {
        abort();
    }
    return bio;
}

/* An encrypted key must not make the program ask for a passphrase on the terminal. */
static int no_passphrase(char *target, int size, int is_writing, void *userdata)
{
    (void) target;
    (void) size;
    (void) is_writing;
    *(bool *) userdata = true;
    return -1;
}

/* 1: one more certificate, 0: no more, ERROR_BAD_INPUT: one that cannot be read. */
static int next_certificate(BIO *bio)
{
    bool asked = false;
    cleanup_x509 X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, &asked);
    unsigned long reason = ERR_peek_last_error();
    ERR_clear_error();
    if (certificate) {
        return 1;
    }
    return ERR_GET_LIB(reason) == ERR_LIB_PEM && ERR_GET_REASON(reason) == PEM_R_NO_START_LINE ? 0 : ERROR_BAD_INPUT;
}

int certificate_check_bundle(const char *pem, const char *name, struct error *err)
{
    cleanup_bio BIO *bio = bio_over(pem);
    size_t count = 0;
    int result;
    while ((result = next_certificate(bio)) == 1) {
        count++;
    }
    if (result < 0) {
        return error_set(err, ERROR_BAD_INPUT, "%s: certificate %zu in it cannot be read", name, count + 1);
    }
    if (count == 0) {
        return error_set(err, ERROR_BAD_INPUT, "%s: there is no PEM certificate in it", name);
    }
    return 0;
}

int certificate_check_pair(const char *certificate_pem, const char *key_pem, struct error *err)
{
    int result = certificate_check_bundle(certificate_pem, "client certificate", err);
    if (result < 0) {
        return result;
    }
    bool asked = false;
    cleanup_bio BIO *certificate_bio = bio_over(certificate_pem);
    cleanup_bio BIO *key_bio = bio_over(key_pem);
    cleanup_x509 X509 *certificate = PEM_read_bio_X509_AUX(certificate_bio, NULL, no_passphrase, &asked);
    cleanup_key EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, &asked);
    bool fits = certificate && key && X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    if (!key) {
        return error_set(err, ERROR_BAD_INPUT, "client key: %s",
                         asked ? "it is encrypted; give it without a passphrase" : "there is no PEM key in it");
    }
    if (!fits) {
        return error_set(err, ERROR_BAD_INPUT, "client key: it does not belong to the client certificate");
    }
    return 0;
}
