#include "data/image_file.h"
