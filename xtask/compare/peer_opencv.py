"""OpenCV's filter of images, outputs of the input's type."""

import cv2
import numpy as np

VERSION = cv2.__version__


def variants(case, x, w, scales, threads):
    element = {"f32": np.float32, "u8": np.uint8, "i16": np.int16}.get(case.elements)
    same = tuple(k // 2 for k in case.kernel) == case.pads
    image = case.rank == 2 and case.input_shape[:2] == case.output_shape[:2] == (1, 1) and case.strides == case.dilations == (1, 1)
    if element is None or not image or not same or case.transposed:
        return {}
    cv2.setNumThreads(threads)
    image = np.ascontiguousarray(x[0, 0], element)
    kernel, result = np.asarray(w[0, 0] * scales[0], np.float32), np.zeros_like(image)
    return {"opencv": (lambda: cv2.filter2D(image, -1, kernel, dst=result, borderType=cv2.BORDER_CONSTANT), lambda: result)}
