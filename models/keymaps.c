/* keymaps.c: the layouts that people's checkpoints have, as data. Names on the right are those of the networks here. */
#include "models/keymap.h"

const fl_key_map fl_keys_own = {"own", "the names of the network", (const fl_rename[]){{NULL, NULL}}};

const fl_key_map fl_keys_i3d_hassony2 = {
    "hassony2", "I3D by hassony2: branch_1.0.conv3d, batch3d",
    (const fl_rename[]){{"^conv3d_0c_1x1.", "logits."}, {"^conv3d_", "Conv3d_"}, {"^mixed_", "Mixed_"}, {".batch3d.", ".bn."},
                        {".branch_0.", ".b0."}, {".branch_1.0.", ".b1a."}, {".branch_1.1.", ".b1b."}, {".branch_2.0.", ".b2a."},
                        {".branch_2.1.", ".b2b."}, {".branch_3.1.", ".b3b."}, {NULL, NULL}}};

const fl_key_map fl_keys_c3d_sequential = {
    "features", "C3D as two nn.Sequential: features.0 ... classifier.6",
    (const fl_rename[]){{"^features.0.", "conv1."}, {"^features.3.", "conv2."}, {"^features.6.", "conv3a."}, {"^features.8.", "conv3b."},
                        {"^features.11.", "conv4a."}, {"^features.13.", "conv4b."}, {"^features.16.", "conv5a."},
                        {"^features.18.", "conv5b."}, {"^classifier.0.", "fc6."}, {"^classifier.3.", "fc7."},
                        {"^classifier.6.", "fc8."}, {"^fc.", "fc8."}, {NULL, NULL}}};

const fl_key_map fl_keys_c3d_caffe = {
    "caffe", "C3D with the names of its Caffe layers: conv1a, conv2a, fc6-1",
    (const fl_rename[]){{"^conv1a.", "conv1."}, {"^conv2a.", "conv2."}, {"^fc6-1.", "fc6."}, {"^fc7-1.", "fc7."}, {"^fc8-1.", "fc8."},
                        {NULL, NULL}}};

const fl_key_map fl_keys_resnet50_torchvision = {
    "torchvision", "an image ResNet-50: conv1, layer1.0.conv1, fc",
    (const fl_rename[]){{"^fc.", "new_fc."}, {"^conv1.", "base_model.conv1."}, {"^bn1.", "base_model.bn1."},
                        {"^layer#.", "base_model.layer#."}, {NULL, NULL}}};

const fl_key_map fl_keys_resnet50_shifted = {
    "torchvision", "an image ResNet-50 without the shift's .net.",
    (const fl_rename[]){{"^fc.", "new_fc."}, {"^conv1.", "base_model.conv1."}, {"^bn1.", "base_model.bn1."},
                        {"^layer#.#.conv1.weight", "base_model.layer#.#.conv1.net.weight"}, {"^layer#.", "base_model.layer#."},
                        {"^base_model.layer#.#.conv1.weight", "base_model.layer#.#.conv1.net.weight"}, {NULL, NULL}}};

const fl_key_map fl_keys_mmaction_resnet50 = {
    "mmaction2", "TSN and TSM by mmaction2: backbone.layer1.0.conv1.conv, cls_head.fc_cls",
    (const fl_rename[]){{"^cls_head.fc_cls.", "new_fc."}, {"^backbone.conv1.conv.", "base_model.conv1."},
                        {"^backbone.conv1.bn.", "base_model.bn1."}, {"^backbone.", "base_model."},
                        {"downsample.conv.", "downsample.0."}, {"downsample.bn.", "downsample.1."}, {".conv.net.", ".net."},
                        {".conv#.conv.", ".conv#."}, {".conv#.bn.", ".bn#."}, {NULL, NULL}}};

const fl_key_map fl_keys_lstm_torch = {
    "nn.LSTM", "weight_ih_l0 of an nn.LSTM; the CNN as torchvision names it, or as an nn.Sequential",
    (const fl_rename[]){{"^lstm.weight_ih_l#", "lstm.#.weight_ih"}, {"^lstm.weight_hh_l#", "lstm.#.weight_hh"},
                        {"^lstm.bias_ih_l#", "lstm.#.bias_ih"}, {"^lstm.bias_hh_l#", "lstm.#.bias_hh"}, {"^rnn.", "lstm."},
                        {"^resnet.", "cnn."}, {"^cnn.0.", "cnn.conv1."}, {"^cnn.1.", "cnn.bn1."}, {"^cnn.4.", "cnn.layer1."},
                        {"^cnn.5.", "cnn.layer2."}, {"^cnn.6.", "cnn.layer3."}, {"^cnn.7.", "cnn.layer4."}, {NULL, NULL}}};
